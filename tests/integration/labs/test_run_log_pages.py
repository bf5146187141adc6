"""The log on a run's page: long ones, places in them, and what comes while somebody watches."""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_container import Runner, page, running

from machinelabs_hub.labs.storage.run_events import EventReader


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("run-logs")) as made:
        yield made


@pytest.fixture
def visitor(server: LabsServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as http:
        yield http


@pytest.fixture
def runner(server: LabsServer) -> Iterator[Runner]:
    with running(server, {"train.py": b"print(1)\n"}) as made:
        yield made


def test_a_long_log_shows_its_ends_and_every_line_has_a_page(
    runner: Runner, visitor: httpx.Client
) -> None:
    number = 1
    for part in range(20):
        text = "".join(f"line {part * 1000 + n + 1}\n" for n in range(1000))
        number = runner.tell(number, {"kind": "stdout", "text": text})
    html = page(visitor, runner.page)
    assert len(html) < 200_000
    for shown in (">line 1<", ">line 100<", ">line 19701<", ">line 20000<", "19,600"):
        assert shown in html
    assert ">line 101<" not in html
    around = page(visitor, f"{runner.page}?line=9000")
    assert '<div class="ml-run-line is-stdout" id="L9000"' in around
    assert ">line 9100<" in around
    assert "Log around line 9000" in around
    beyond = page(visitor, f"{runner.page}?line=99999")
    assert "The log has 20,000 lines so far. These are the last ones." in beyond
    assert "Log around" not in beyond
    assert ">line 20000<" in beyond


def test_a_line_of_a_log_that_has_none_leads_to_all_of_it(
    runner: Runner, visitor: httpx.Client
) -> None:
    runner.tell(1, {"kind": "cell", "cell": 0, "state": "running", "title": "step"})
    around = page(visitor, f"{runner.page}?line=7")
    assert "The log has no line 7 so far. This is all of it." in around
    assert "Log around" not in around


def test_a_huge_log_that_nobody_watched_is_not_read_again_by_a_service_that_starts_anew(
    runner: Runner, visitor: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 1
    for part in range(8):
        text = "".join(f"line {part * 10_000 + n + 1} {'x' * 40}\n" for n in range(10_000))
        number = runner.tell(number, {"kind": "stdout", "text": text})
    tools, run = runner.desk.server.tools, runner.desk.run
    before = page(visitor, runner.page)
    known, taken = EventReader.read, []

    def read(reader: EventReader) -> list[bytes]:
        lines = known(reader)
        taken.append(sum(map(len, lines)))
        return lines

    monkeypatch.setattr(EventReader, "read", read)
    monkeypatch.setattr(tools.run_logs, "_logs", OrderedDict())
    assert log_of(page(visitor, runner.page)) == log_of(before)
    assert tools.events.size(run.id) > 4 << 20
    assert sum(taken) < 2 << 20
    tools.events.put_aside(run.id, b'{"version": "of another time"}')
    monkeypatch.setattr(tools.run_logs, "_logs", OrderedDict())
    assert log_of(page(visitor, runner.page)) == log_of(before)


def log_of(html: str) -> str:
    return html.split('<div id="run-rows">')[1].split("</section>", maxsplit=1)[0]


def test_a_cell_that_is_left_out_in_the_middle_has_a_page(
    runner: Runner, visitor: httpx.Client
) -> None:
    many = "".join(f"line {n}\n" for n in range(1000))
    number = 1
    for cell_ in range(5):
        number = runner.tell(
            number,
            {"kind": "cell", "cell": cell_, "state": "running", "title": f"step {cell_}"},
            {"kind": "stdout", "text": many, "cell": cell_},
            {"kind": "cell", "cell": cell_, "state": "done", "seconds": 1},
        )
    assert 'id="cell-3"' not in page(visitor, runner.page)
    around = page(visitor, f"{runner.page}?cell=3")
    assert "Log around cell 3" in around
    assert 'id="cell-3"' in around
    assert 'id="L2001"' in around
    assert 'id="L2000"' in around
    assert 'id="L2500"' not in around
    assert "Cell 9 has not begun" in page(visitor, f"{runner.page}?cell=9")


def messages(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    """Yield kind, id and content of each message of a stream."""
    kind, place = "", ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "id":
            place = value
        elif name == "data":
            yield kind, place, json.loads(value)


def test_watchers_get_rows_and_states_as_they_come_until_the_end(
    runner: Runner, visitor: httpx.Client
) -> None:
    runner.tell(1, {"kind": "stdout", "text": "before\n"})
    html = page(visitor, runner.page)
    mark = html.split("/live?mark=")[1].split('"')[0]
    seen: list[tuple[str, str, Any]] = []

    def watch() -> None:
        with httpx.Client(base_url=visitor.base_url, timeout=30) as http, http.stream(
            "GET", f"{runner.page}/live?mark={mark}&after=1"
        ) as answer:  # fmt: skip
            assert answer.headers["content-type"].startswith("text/event-stream")
            for message in messages(answer.iter_lines()):
                seen.append(message)
                told.set()

    told = threading.Event()
    watchers = [threading.Thread(target=watch) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    for number in range(2, 6):
        told.clear()
        runner.tell(number, {"kind": "stdout", "text": f"loss {number}\n"})
        assert told.wait(10)
    runner.end()
    for watcher in watchers:
        watcher.join(20)
        assert not watcher.is_alive()
    rows = [row for kind, _, content in seen if kind == "rows" for row in content]
    assert "before" not in json.dumps(rows)
    for number in range(2, 6):
        assert sum(f"loss {number}<" in html for _, html in rows) == 2
    parts = [content for kind, _, content in seen if kind == "parts"]
    assert sum("Finished" in part.get("run-state", "") for part in parts) == 2
    assert all("Running" not in part.get("run-state", "") for part in parts)
    assert [kind for kind, _, _ in seen].count("end") == 2


@pytest.mark.parametrize("path", ["live", "events"])
def test_a_stream_that_fails_ends_as_one_that_is_whole(
    runner: Runner, visitor: httpx.Client, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A proxy passes on no word of a break: what is only broken off stays open at its reader.
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    runner.tell(1, {"kind": "stdout", "text": "before\n"})
    run = runner.desk.run
    monkeypatch.setattr(EventReader, "read", fail)
    where = runner.page if path == "live" else f"/api/v1/labs/{run.lab}/runs/{run.number}"
    stream = {"Accept": "text/event-stream"}
    with visitor.stream("GET", f"{where}/{path}", headers=stream) as answer:
        assert answer.status_code == 200
        assert "before" not in "".join(answer.iter_lines())
