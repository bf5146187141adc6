"""The nightly sweep on the real service: what does not hold any more is verified again."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.labs.test_verify import Ended, ada, build, lab, verified
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import Reason, RunState
from machinelabs_hub.labs.services.night import NIGHT, night_of, step
from machinelabs_hub.labs.services.runner import digest
from machinelabs_hub.labs.services.verifier import settle
from machinelabs_hub.run_settings import Runs, Verify

__all__ = ["ada", "build", "lab", "verified"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    night = Verify(account="night", cpu_hours=0.5)
    with labs_server(tmp_path_factory.mktemp("night"), runs=Runs(verify=night)) as made:
        made.seen_as(Person("ada", "Ada"))
        yield made


def test_by_night_what_does_not_hold_any_more_is_verified_again_within_a_budget(
    server: LabsServer, lab: Lab, verified: Ended, build: Callable[[str], None]
) -> None:
    night, now = Person("night", "night"), server.tools.clock()
    build("c")
    verified()
    assert step(server.tools, night, now) is None
    build("d")
    run = step(server.tools, night, now)
    assert run is not None
    assert (run.lab_id, run.person, run.name) == (lab.id, "night", "Verify r1")
    assert step(server.tools, night, now) is None
    began = server.tools.clock()
    assert server.tools.runs.set_code(run, digest("x"))
    assert server.tools.runs.exchange(run, code_hash=digest("x"), token_hash="t", at=began)
    running = server.tools.runs.get(run.id)
    assert running is not None
    late = began + timedelta(hours=1)
    assert server.tools.runs.end(running, RunState.STOPPED, Reason("Its container went."), late)
    settle(server.tools)
    assert step(server.tools, night, now) is None
    again = step(server.tools, night, server.tools.clock())
    assert again is not None
    assert again.lab_id == lab.id


def test_a_night_is_six_hours_also_over_midnight() -> None:
    at = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
    assert night_of(at, 23) == datetime(2026, 11, 21, 23, tzinfo=UTC)
    assert night_of(at, 1) == datetime(2026, 11, 22, 1, tzinfo=UTC)
    assert night_of(at, 2) is None
    assert night_of(at + NIGHT, 1) is None
