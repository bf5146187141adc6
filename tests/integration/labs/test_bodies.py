"""A body that is wrong in a million places is told of one: each error is kept and costs memory."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter, ValidationError
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.api.bodies import LabDraftBody, RevisionDraftBody
from machinelabs_hub.labs.api.dataset_bodies import AnnouncedFileBody, UploadDraftBody
from machinelabs_hub.labs.api.runner import EventsBody
from machinelabs_hub.labs.api.updates import MergeAskedBody

READ_BY_HAND = (LabDraftBody, RevisionDraftBody, MergeAskedBody, EventsBody)
"""Parts of uploads, and what is read once its sender is known."""

COLLECTIONS = ("list", "dict", "set", "frozenset", "tuple")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as one:
        yield one


def collections_in(schema: Any, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all lists and dicts that a pydantic schema describes, with where they are."""
    if isinstance(schema, list):
        for one in schema:
            yield from collections_in(one, at)
    if isinstance(schema, dict):
        if schema.get("type") in COLLECTIONS:
            yield at, schema
        for name, one in schema.items():
            if name not in {"metadata", "serialization"}:
                yield from collections_in(one, f"{at}.{name}")


def can_fail_often(schema: dict[str, Any]) -> bool:
    held = (schema.get("items_schema"), schema.get("values_schema"))
    return any(one is not None and one["type"] != "any" for one in held)


def test_every_list_of_a_request_stops_at_its_first_fault(server: LabsServer) -> None:
    routes = (found.original_route for found in iter_route_contexts(server.app.routes))
    fields = [one.body_field for one in routes if isinstance(one, APIRoute) and one.body_field]
    kinds: set[Any] = {one.field_info.annotation for one in fields} | set(READ_BY_HAND)
    assert len(kinds) > 20
    found = [
        (at, schema)
        for kind in kinds
        for at, schema in collections_in(TypeAdapter(kind).core_schema, str(kind))
        if can_fail_often(schema)
    ]
    assert len(found) >= 5
    assert [at for at, schema in found if not schema.get("fail_fast")] == []


@pytest.mark.parametrize(
    ("kind", "said", "where"),
    [
        (UploadDraftBody, {"files": [{}] * 1000}, ("files", 0, "path")),
        (UploadDraftBody, {"files": []}, ("0",)),
        (AnnouncedFileBody, {"path": "a", "size": 1, "sha256": "0" * 64}, ("0",)),
        (EventsBody, {"first": 1}, ("0",)),
    ],
)
def test_a_large_body_says_its_first_fault(
    kind: Any, said: dict[str, Any], where: tuple[Any, ...]
) -> None:
    more = {} if "files" in where else {str(name): 0 for name in range(1000)}
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(said | more)
    assert refused.value.errors()[0]["loc"] == where
    assert refused.value.error_count() <= len(kind.model_fields) + 1
