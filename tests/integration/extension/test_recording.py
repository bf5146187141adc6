"""What a kernel put out while no browser was there is in the file when the server has stopped.

A real Jupyter server, a real kernel, a browser's WebSocket that goes away.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.notebook_server import NotebookServer, notebook_server
from tests.support.notebook_tab import COUNTS, Tab, lines
from tests.support.waiting import wait_until

STUBBORN = """
import time
while True:
    try:
        print("tick", flush=True)
        time.sleep(0.1)
    except KeyboardInterrupt:
        print("no", flush=True)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NotebookServer]:
    with notebook_server(tmp_path / "one") as server:
        yield server


def is_over(server: NotebookServer) -> bool:
    return "Shutting down" in server.log.read_text()


def test_an_ordered_stop_writes_what_no_browser_heard(server: NotebookServer) -> None:
    alone, quiet = Tab(server, "alone.ipynb", COUNTS), Tab(server, "quiet.ipynb", "print(1)")
    asked = alone.run(0, COUNTS)
    alone.hear(asked, "line 3\n")
    heard_until = time.monotonic()
    for tab in (alone, quiet):
        tab.socket.close()
    time.sleep(3)
    server.post("notices/stop", {})
    apart = time.monotonic() - heard_until
    found = lines(alone.text())
    assert found == list(range(len(found)))
    # Ten lines a second, up to the very stop.
    assert len(found) > 3 + 3 * 9
    assert len(found) < 12 + apart * 10
    book = json.loads((server.home / "alone.ipynb").read_text())
    assert book["cells"][0]["outputs"][-1]["ename"] == "KeyboardInterrupt"
    assert book["cells"][0]["execution_count"] == 1
    assert quiet.text() == ""
    wait_until(lambda: is_over(server), seconds=60, what="the server stops")


def test_whoever_stops_the_server_outputs_are_written(server: NotebookServer) -> None:
    tab = Tab(server, "a.ipynb", COUNTS)
    tab.hear(tab.run(0, COUNTS), "line 2\n")
    tab.socket.close()
    time.sleep(1)
    os.kill(server.pid, signal.SIGTERM)
    wait_until(lambda: len(lines(tab.text())) > 10, seconds=60, what="outputs are in the file")
    found = lines(tab.text())
    assert found == list(range(len(found)))


def test_a_kernel_that_does_not_let_itself_be_interrupted_is_recorded_too(
    server: NotebookServer,
) -> None:
    tab = Tab(server, "a.ipynb", STUBBORN)
    tab.hear(tab.run(0, STUBBORN), "tick")
    tab.socket.close()
    server.post("notices/stop", {})
    assert tab.text().count("tick") > 20
    assert "no\n" in tab.text()


def test_what_a_browser_saved_stays_as_it_saved_it(server: NotebookServer) -> None:
    tab = Tab(server, "a.ipynb", "print('cleared')")
    tab.hear(tab.run(0, "print('cleared')"), "cleared")
    time.sleep(1)
    tab.save([])
    tab.socket.close()
    server.post("notices/stop", {})
    assert tab.text() == ""
