"""What counts as work on a real notebook server."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.support.notebook_server import TOKEN, NotebookServer, notebook_server
from websocket import create_connection

from machinelabs_hub.settings import Servers


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookServer]:
    """A server of no site: activity needs none."""
    with notebook_server(
        tmp_path_factory.mktemp("work"),
        MACHINELABS_IDLE_MINUTES=str(Servers().idle_minutes),
        MACHINELABS_IDLE_WARNING_MINUTES="5",
    ) as running:
        yield running


def busy(server: NotebookServer) -> list[str]:
    found: list[str] = server.get("idle")["busy"]
    return found


def wait_for(claim: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not claim():
        assert time.monotonic() < until
        time.sleep(0.2)


def last_activity(server: NotebookServer) -> str:
    stamp: str = server.http.get("/api/status").json()["last_activity"]
    return stamp


def test_a_page_that_polls_is_no_work(server: NotebookServer) -> None:
    before = last_activity(server)
    for path in ("/api/kernels", "/api/sessions", "/api/terminals", "/api/contents"):
        server.http.get(path).raise_for_status()
    server.get("idle")
    assert last_activity(server) == before


def test_saving_and_someone_at_the_keyboard_are_use(server: NotebookServer) -> None:
    before = last_activity(server)
    body = {"type": "file", "format": "text", "content": "x"}
    server.http.put("/api/contents/a.txt", json=body).raise_for_status()
    saved = last_activity(server)
    assert saved > before
    time.sleep(0.01)
    server.post("idle", {"now": False})
    assert last_activity(server) > saved


def test_a_kernel_that_computes_is_work(server: NotebookServer) -> None:
    kernel = server.http.post("/api/kernels", json={"name": "python3"}).json()["id"]
    address = f"{server.url.replace('http', 'ws')}/api/kernels/{kernel}/channels?token={TOKEN}"
    with closing(create_connection(address)) as channel:
        wait_for(lambda: busy(server) == [])
        channel.send(json.dumps(execute("import time; time.sleep(3)")))
        wait_for(lambda: busy(server) == ["kernel"])
        assert server.get("idle")["seconds_left"] == Servers().idle_minutes * 60
        wait_for(lambda: busy(server) == [])
    server.http.delete(f"/api/kernels/{kernel}")


def test_a_terminal_that_runs_something_is_work(server: NotebookServer) -> None:
    name = server.http.post("/api/terminals").json()["name"]
    address = f"{server.url.replace('http', 'ws')}/terminals/websocket/{name}?token={TOKEN}"
    with closing(create_connection(address)) as terminal:
        wait_for(lambda: busy(server) == [])
        terminal.send(json.dumps(["stdin", "sleep 4\r"]))
        wait_for(lambda: busy(server) == ["terminal"])
        wait_for(lambda: busy(server) == [])
    server.http.delete(f"/api/terminals/{name}")


def test_a_long_download_is_work(server: NotebookServer) -> None:
    with (server.home / "big.bin").open("wb") as file:
        file.truncate(64 << 20)
    before = last_activity(server)
    with server.http.stream("GET", "/files/big.bin") as answer:
        pieces = answer.iter_bytes(1 << 20)
        next(pieces)
        wait_for(lambda: busy(server) == ["transfer"])
        assert last_activity(server) > before


def test_a_server_of_no_site_has_no_labs_and_says_nothing_of_them(
    server: NotebookServer,
) -> None:
    assert server.get("about")["connected"] is False
    assert server.ask("GET", "labs").status_code == 502


def execute(code: str) -> dict[str, Any]:
    content = {
        "code": code, "silent": False, "store_history": False, "user_expressions": {},
        "allow_stdin": False, "stop_on_error": True,
    }  # fmt: skip
    header = {
        "msg_id": "m", "msg_type": "execute_request", "session": "s", "username": "u",
        "version": "5.3", "date": "",
    }  # fmt: skip
    return {
        "header": header, "parent_header": {}, "metadata": {}, "content": content,
        "channel": "shell", "buffers": [],
    }  # fmt: skip
