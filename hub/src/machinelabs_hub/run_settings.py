"""The knobs of runs."""

from typing import Annotated

from pydantic import Field

from machinelabs_hub.yamlfile import Section


class Inputs(Section):
    """Inputs of runs: what the labs service fetches for them, and keeps."""

    hosts: Annotated[
        tuple[str, ...],
        Field(
            title="Hosts that inputs may come from",
            description="`*` is every public host, `*.example.org` every one below a name. Empty: "
            "none, so that only outputs of runs can be inputs.",
        ),
    ] = ("*",)
    inside: Annotated[
        tuple[str, ...],
        Field(
            title="Hosts of your own network that inputs may come from",
            description="`host` or `host:port`; without a port, all of its ports. Private and "
            "loopback addresses are refused for all other hosts, whatever their names say. "
            "Whoever may run a lab reads what is served there without a password.",
        ),
    ] = ()
    largest_mib: Annotated[
        int, Field(ge=1, title="Largest input that is fetched from the web, MiB")
    ] = 10_240
    cache_gib: Annotated[
        int,
        Field(
            ge=1,
            title="Most that fetched inputs hold together, GiB",
            description="They lie in `DATA/inputs`, each content once. Those that no run asked "
            "for longest go first; they are fetched anew when one does.",
        ),
    ] = 50
    at_once: Annotated[int, Field(ge=1, title="Most inputs that are fetched at the same time")] = 8
    minutes: Annotated[
        int, Field(ge=1, title="Minutes that fetching an input may take at most")
    ] = 240


class Verify(Section):
    """The nightly sweep: what ran clean is verified again when that does not hold any more."""

    account: Annotated[
        str,
        Field(
            title="Account whose hours the nightly sweep uses",
            description="Make one for it, such as `verifier`, and give it a plan: its runs count "
            "as anybody's. It verifies what everybody who is signed in may run. Empty: no sweep.",
        ),
    ] = ""
    hour: Annotated[
        int,
        Field(
            ge=0,
            le=23,
            title="Hour in which the sweep begins, UTC",
            description="It goes on for six hours at most, one run after the other.",
        ),
    ] = 2
    cpu_hours: Annotated[
        float,
        Field(
            gt=0,
            title="CPU hours that the sweep uses in a night",
            description="Cores times hours. It begins no other run once they are used.",
        ),
    ] = 8


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
    sweep_runs: Annotated[
        int,
        Field(
            ge=2,
            le=1000,
            title="Most runs of a sweep",
            description="A sweep orders a run for each combination of values, all of them or none.",
        ),
    ] = 50
    schedules: Annotated[
        int,
        Field(
            ge=0,
            title="Most schedules of a person",
            description="Each orders runs of a lab at certain times. 0: nobody gets a new one.",
        ),
    ] = 20
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
    hold_minutes: Annotated[
        int,
        Field(
            ge=0,
            le=240,
            title="Minutes that a run is held after it failed",
            description="Only where it was started so: its person can look into it with "
            "JupyterLab meanwhile. It counts as running. 0: none is held.",
        ),
    ] = 15
    inputs: Inputs = Inputs()
    verify: Verify = Verify()
