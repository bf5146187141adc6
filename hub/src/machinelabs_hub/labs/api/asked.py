"""What labs somebody asks for, in the words of an address: shared by lists and their facets."""

from typing import Annotated

from fastapi import Depends, Query

from machinelabs_hub.labs.models.page import LabQuery


async def _asked(
    q: Annotated[
        str,
        Query(max_length=200, description="Words that all stand in the lab; the last may be begun"),
    ] = "",
    tag: Annotated[str, Query(max_length=32)] = "",
    owner: Annotated[
        str, Query(max_length=255, description="Labs of this person or `@group` only.")
    ] = "",
    image: Annotated[str, Query(max_length=64)] = "",
    flavour: Annotated[str, Query(max_length=64)] = "",
    language: Annotated[str, Query(max_length=32, description="In lower case.")] = "",
    licence: Annotated[str, Query(max_length=64, description="An SPDX identifier.")] = "",
    has_outputs: Annotated[bool | None, Query(description="Its notebooks hold results.")] = None,
    runs_clean: Annotated[
        bool | None, Query(description="A run of its newest revision showed what is saved in it.")
    ] = None,
    starred_by: Annotated[
        str, Query(max_length=255, description="Labs that this person starred.")
    ] = "",
) -> LabQuery:
    return LabQuery(
        q=q,
        tag=tag,
        owner=owner,
        image=image,
        flavour=flavour,
        language=language,
        licence=licence,
        has_outputs=has_outputs,
        runs_clean=runs_clean,
        starred_by=starred_by,
    )


Asked = Annotated[LabQuery, Depends(_asked)]
"""A query without its order and its place."""
