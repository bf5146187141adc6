"""What the code of runs measures, on the real service: kept once, bounded, read by who may."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, RunDesk, ordered

from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.tracking import MOST_METRICS, MOST_POINTS
from machinelabs_hub.labs.services.tracking import TrackingService

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("tracking")) as made:
        made.seen_as(Person("ada", "Ada"), Person("ben", "Ben"))
        yield made


@pytest.fixture
def desk(server: LabsServer) -> RunDesk:
    return ordered(server, {"main.py": b""})


@pytest.fixture
def runner(desk: RunDesk) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=desk.url, timeout=30) as http:
        token = http.post("/exchange", json={"code": CODE}).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


def tell(http: httpx.Client, first: int, *events: dict[str, Any]) -> int:
    at = "2026-01-01T00:00:00+00:00"
    told = [{"n": first + place, "at": at} | event for place, event in enumerate(events)]
    answer = http.post("/events", json={"first": first, "events": told})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["next"])


def metric(name: str, *points: list[Any]) -> dict[str, Any]:
    return {"kind": "metric", "name": name, "points": list(points)}


def test_what_is_measured_is_kept_once(desk: RunDesk, runner: httpx.Client) -> None:
    told = (
        metric("loss", [0, 0.9, 10], [1, 0.5, 11]),
        {"kind": "stdout", "text": "between"},
        {"kind": "param", "name": "rate", "value": "0.1"},
        {"kind": "tag", "name": "kind", "value": "net"},
        metric("odd", [0, "nan", 12]),
    )
    assert tell(runner, 1, *told) == 6
    # The answer was lost: all of it comes again, with more.
    assert tell(runner, 1, *told, metric("loss", [2, 0.4, 13])) == 7
    tracking = TrackingService(tools=desk.server.tools)
    found = tracking.of(desk.run)
    assert [(one.step, one.value) for one in found.metrics["loss"].points] == [
        (0, 0.9), (1, 0.5), (2, 0.4)
    ]  # fmt: skip
    assert (found.params, found.tags) == ({"rate": "0.1"}, {"kind": "net"})
    assert tracking.last([desk.run.id]) == {desk.run.id: {"loss": 0.4, "odd": None}}
    assert tracking.params([desk.run.id, 999]) == {desk.run.id: {"rate": "0.1"}, 999: {}}


def test_very_much_is_bounded(desk: RunDesk, runner: httpx.Client) -> None:
    tracks = desk.server.tools.tracks
    points = [[step, step, step] for step in range(2_000)]
    first = tell(runner, 1, *(metric("long", *points) for _ in range(3)))
    tell(runner, first, *(metric(f"m{at:04}", [0, 1, 2]) for at in range(MOST_METRICS + 5)))
    found = tracks.of(desk.run.id)
    assert found.metrics["long"].count == 6_000
    assert len(found.metrics["long"].points) <= MOST_POINTS + 2
    assert len(found.metrics) == MOST_METRICS


def test_a_purged_run_leaves_nothing(desk: RunDesk, runner: httpx.Client) -> None:
    tools = desk.server.tools
    tell(runner, 1, metric("loss", [0, 1, 2]), {"kind": "tag", "name": "a", "value": "b"})
    runner.post("/end", json={"state": "finished"}).raise_for_status()
    run = desk.now
    tools.runs.settle(run)
    tools.runs.hide(run, tools.clock())
    tools.runs.purge(tools.clock())
    assert not tools.tracks.of(run.id)
