"""The knobs of runs."""

from typing import Annotated

from pydantic import Field

from machinelabs_hub.yamlfile import Section


class Runs(Section):
    """Runs of labs: how many may wait, and what is kept of them."""

    queued: Annotated[
        int,
        Field(
            ge=1,
            title="Most runs of a person that wait",
            description="How many run at once is a matter of the plan.",
        ),
    ] = 200
    starts_per_hour: Annotated[
        int, Field(ge=1, title="Most runs that a person orders, an hour")
    ] = 1000
    log_mib: Annotated[
        int,
        Field(
            ge=1,
            title="Largest log of a run, MiB",
            description="What is printed beyond it is not kept; the log says so.",
        ),
    ] = 200
    output_mib: Annotated[
        int, Field(ge=1, title="Most that the outputs of a run hold together, MiB")
    ] = 5120
    output_files: Annotated[int, Field(ge=1, title="Most files that a run puts out")] = 10_000
    person_gib: Annotated[
        int,
        Field(
            ge=0,
            title="Most that the outputs of a person's runs hold together, GiB",
            description="Deleted runs count until they are purged. 0: no limit.",
        ),
    ] = 50
