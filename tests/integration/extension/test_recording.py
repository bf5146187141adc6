"""What a kernel put out while no browser was there is in the file when the server has stopped.

A real Jupyter server, a real kernel, a browser's WebSocket that goes away.
"""

import json
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from nbformat import v4
from tests.support.notebook_server import TOKEN, NotebookServer, notebook_server
from tests.support.waiting import wait_until

COUNTS = """
import time
for number in range(600):
    print("line", number, flush=True)
    time.sleep(0.1)
"""
STUBBORN = """
import time
while True:
    try:
        print("tick", flush=True)
        time.sleep(0.1)
    except KeyboardInterrupt:
        print("no", flush=True)
"""


class Tab:
    """A notebook in a browser: a session, and the WebSocket to its kernel."""

    def __init__(self, server: NotebookServer, path: str, *codes: str) -> None:
        self.server, self.path = server, path
        self.cells = [f"cell-{n}" for n in range(len(codes))]
        book = v4.new_notebook(
            cells=[
                v4.new_code_cell(code, id=cell)
                for cell, code in zip(self.cells, codes, strict=True)
            ]
        )
        server.write(path, json.loads(json.dumps(book)))
        body = {"path": path, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        answer = server.http.post("/api/sessions", json=body).raise_for_status().json()
        self.kernel = answer["kernel"]["id"]
        self.session = uuid.uuid4().hex
        self.socket = self.connect()

    def connect(self) -> Any:
        return websocket.create_connection(
            f"ws{self.server.url.removeprefix('http')}/api/kernels/{self.kernel}/channels"
            f"?session_id={self.session}",
            header=[f"Authorization: token {TOKEN}"],
            timeout=60,
            suppress_origin=True,
        )

    def run(self, cell: int, code: str) -> str:
        asked = uuid.uuid4().hex
        header = {
            "msg_id": asked, "msg_type": "execute_request", "username": "x",
            "session": self.session, "version": "5.3",
        }  # fmt: skip
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "content": content, "buffers": []}
        metadata = {"cellId": self.cells[cell], "deletedCells": []}
        self.socket.send(json.dumps({**message, "metadata": metadata, "channel": "shell"}))
        return asked

    def hear(self, asked: str, wanted: str) -> None:
        """Wait until the kernel put out `wanted` for what was asked."""
        said = ""
        while wanted not in said:
            answer = json.loads(self.socket.recv())
            if answer["parent_header"].get("msg_id") == asked and answer["msg_type"] == "stream":
                said += answer["content"]["text"]

    def save(self, outputs: list[Any]) -> None:
        """Save as the browser does, with `outputs` in the first cell."""
        book = json.loads((self.server.home / self.path).read_text())
        book["cells"][0]["outputs"] = outputs
        body = {"type": "notebook", "format": "json", "content": book}
        self.server.http.put(f"/api/contents/{self.path}", json=body).raise_for_status()

    def text(self, cell: int = 0) -> str:
        """Return what the file holds of a cell's streams."""
        book = json.loads((self.server.home / self.path).read_text())
        outputs = book["cells"][cell]["outputs"]
        return "".join("".join(row["text"]) for row in outputs if row["output_type"] == "stream")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NotebookServer]:
    with notebook_server(tmp_path / "one") as server:
        yield server


def lines(text: str) -> list[int]:
    return [int(line.split()[1]) for line in text.splitlines() if line.startswith("line ")]


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
    wait_until(lambda: is_over(server), seconds=20, what="the server stops")


def test_whoever_stops_the_server_outputs_are_written(server: NotebookServer) -> None:
    tab = Tab(server, "a.ipynb", COUNTS)
    tab.hear(tab.run(0, COUNTS), "line 2\n")
    tab.socket.close()
    time.sleep(1)
    os.kill(server.pid, signal.SIGTERM)
    wait_until(lambda: len(lines(tab.text())) > 10, seconds=20, what="outputs are in the file")
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
