"""What the code of runs measures, on the real service: kept once, bounded, read by who may."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, TOKEN, RunDesk, ordered

from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import RunDraft
from machinelabs_hub.labs.models.tracking import MOST_METRICS, MOST_POINTS
from machinelabs_hub.labs.services.runs import RunService
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
        shown = {"code": CODE, "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
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


def test_who_reads_a_run_reads_what_it_measures(desk: RunDesk, runner: httpx.Client) -> None:
    tell(
        runner, 1, metric("loss", [0, 0.5, 10], [1, "nan", 11], [2, 0.25, 12]),
        {"kind": "param", "name": "rate", "value": "=1+1"},
    )  # fmt: skip
    runs = f"/api/v1/labs/{desk.lab.path}/runs"
    with httpx.Client(base_url=desk.server.url, timeout=30) as visitor:
        told = visitor.get(f"{runs}/{desk.run.number}/metrics").json()
        (loss,) = told["metrics"]
        assert (loss["last"], loss["lowest"], loss["highest"], loss["count"]) == (
            0.25,
            0.25,
            0.5,
            3,
        )
        assert [point["step"] for point in loss["points"]] == [0, 2]
        assert told["params"] == {"rate": "=1+1"}
        table = visitor.get(f"{runs}/{desk.run.number}/metrics.csv").text
        assert table.splitlines()[:2] == ["metric,step,value,at", "loss,0,0.5,10.0"]
        whole = visitor.get(f"{runs}/table.csv")
        assert whole.headers["content-type"].startswith("text/csv")
        head, row = whole.text.splitlines()
        assert head.endswith(",param rate,metric loss")
        assert row.endswith(",'=1+1,0.25")


def test_what_a_private_lab_measures_is_private(server: LabsServer) -> None:
    lab = server.publish("ada", {"main.py": b""}, visibility=Visibility.PRIVATE)
    run = RunService(tools=server.tools, viewer=Person("ada", "Ada")).order(lab, RunDraft())
    server.tools.tracks.take(run.id, [{"n": 1} | metric("loss", [0, 1, 2])])
    runs = f"{lab.path}/runs"
    paths = [f"/api/v1/labs/{runs}/{run.number}/metrics", f"/api/v1/labs/{runs}/table.csv",
             f"/api/v1/labs/{runs}/{run.number}/metrics.csv", f"/{runs}/{run.number}/metrics"]  # fmt: skip
    with httpx.Client(base_url=server.url, timeout=30) as http:
        for path in paths:
            assert http.get(path).status_code == 404
            assert http.get(path, headers={"X-As": "ben"}).status_code == 404
            mine = http.get(path, headers={"X-As": "ada"})
            assert (mine.status_code, "loss" in mine.text) == (200, True)


def test_pages_show_curves_and_what_a_reader_needs_of_them(
    desk: RunDesk, runner: httpx.Client
) -> None:
    here = f"/{desk.lab.path}/runs"
    with httpx.Client(base_url=desk.server.url, timeout=30) as visitor:
        empty = visitor.get(f"{here}/{desk.run.number}").text
        assert 'id="run-metrics"' in empty
        assert "<polyline" not in empty
        assert "Nothing is measured yet" in visitor.get(f"{here}/{desk.run.number}/metrics").text
        tell(
            runner, 1, *(metric(f"m{at}<b>", [0, 1, 10], [1, at, 11]) for at in range(8)),
            {"kind": "tag", "name": "kind", "value": "<i>net</i>"},
        )  # fmt: skip
        beside = visitor.get(f"{here}/{desk.run.number}").text
        assert beside.count("<polyline") == 6
        assert "2 more metrics" in beside
        assert "m3&lt;b&gt;: 2 values, the last is 3, the lowest 1, the highest 3." in beside
        whole = visitor.get(f"{here}/{desk.run.number}/metrics").text
        assert whole.count("<polyline") == 8
        assert "&lt;i&gt;net&lt;/i&gt;" in whole
        listed = visitor.get(here).text
        assert 'data-label="m3&lt;b&gt;"' in listed
        assert "runs/table.csv" in listed


def test_curves_come_to_who_watches(desk: RunDesk, runner: httpx.Client) -> None:
    address = f"{desk.server.url}/{desk.lab.path}/runs/{desk.run.number}/live"
    with httpx.stream("GET", address, timeout=20) as live:
        lines = live.iter_lines()
        assert next(lines).startswith("retry")
        tell(runner, 1, metric("loss", [0, 0.5, 10], [1, 0.125, 11]))
        drawn = next(line for line in lines if "<polyline" in line)
        assert "0.125" in drawn
        tell(runner, 2, metric("loss", [2, 0.0625, 12]))
        assert next(line for line in lines if "0.0625" in line).startswith("data: ")
        runner.post("/end", json={"state": "finished"}).raise_for_status()
        assert "event: end" in list(lines)
