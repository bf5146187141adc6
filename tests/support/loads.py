"""What people do on a card, with real kernels, terminals and connections: who works, who does not.

Each begins something on a running server and returns; what it began goes on by itself, as long as
the server's `Begun` keeps the connections that a browser would have open.
"""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import websocket
from tests.support.card_work import CARD
from tests.support.notebook_server import NotebookServer
from tests.support.notebook_tab import Tab
from tests.support.site import Server

PAUSE_SECONDS = 40
DOWNLOAD_MIB = 64

TRAINING = f"""
import time
print("begun", flush=True)
while True:
    card(20_000, 90)
    time.sleep(4)
    card(20_000, 0)
    time.sleep({PAUSE_SECONDS})
"""

LOADING = """
import os, time
print("begun", flush=True)
card(8_000, 0)
block = os.urandom(2 ** 18)
while True:
    with open("shard.bin", "wb") as shard:
        for _ in range(4):
            shard.write(block)
        os.fsync(shard.fileno())
    time.sleep(2)
"""

LONG_CELL = """
print("begun", flush=True)
card(30_000, 0)
while True:
    sum(number * number for number in range(100_000))
"""

FORGOTTEN = """
card(10_000, 80)
import time
time.sleep(3)
card(10_000, 0)
print("begun", flush=True)
"""

CLOSED_LAPTOP = """
import time
card(24_000, 75)
print("begun", flush=True)
for epoch in range(10_000):
    time.sleep(1)
    print("line", epoch, flush=True)
"""

PAUSED = """
card(12_000, 0)
total = 0
for number in range(10):
    total += number
"""
"""Stopped at its last line."""

JOB = "while :; do head -c 30000000 /dev/urandom | gzip > /dev/null; sleep 2; done\n"


@dataclass
class Begun:
    """What stays open while people work; `close` is closing all of it."""

    stack: ExitStack = field(default_factory=ExitStack)

    def tab(self, server: Server, name: str, code: str) -> tuple[Tab, str]:
        """Run a cell in a notebook that stays open in a browser; return the run's id, too."""
        tab = Tab(self._served(server), f"{name}.ipynb", CARD + code)
        self.stack.callback(tab.socket.close)
        asked = tab.run(0, CARD + code)
        tab.hear(asked, "begun")
        return tab, asked

    def _served(self, server: Server) -> NotebookServer:
        http = self.stack.enter_context(server.client())
        return NotebookServer(server.url.rstrip("/"), Path(), http, Path(), 0)

    # Who works.

    def training_with_pauses(self, server: Server) -> None:
        self.tab(server, "training", TRAINING)

    def data_loading(self, server: Server) -> None:
        self.tab(server, "loading", LOADING)

    def long_cell(self, server: Server) -> None:
        self.tab(server, "long", LONG_CELL)

    def terminal_job(self, server: Server) -> None:
        """Begin a job in a terminal and close the browser."""
        with server.client() as http:
            name = http.post("api/terminals").raise_for_status().json()["name"]
        address = f"ws{server.url.removeprefix('http')}terminals/websocket/{name}"
        socket = websocket.create_connection(
            address,
            header=[f"Authorization: token {server.token}"],
            timeout=30,
            suppress_origin=True,
        )
        said = ""
        # What is typed before the shell reads may be lost.
        while "$" not in said:
            said += str(json.loads(socket.recv())[-1])
        socket.send(json.dumps(["stdin", JOB]))
        socket.recv()
        socket.close()

    def closed_laptop(self, server: Server) -> None:
        self.tab(server, "laptop", CLOSED_LAPTOP)[0].socket.close()

    def download(self, server: Server) -> None:
        """Fetch a big file out of the home, over a slow line."""
        make = f"""
with open("big.bin", "wb") as big:
    big.truncate({DOWNLOAD_MIB} * 2 ** 20)
print("begun", flush=True)
"""
        self.tab(server, "big", make)[0].socket.close()
        ends = threading.Event()
        thread = threading.Thread(target=_fetch, args=(server, ends), daemon=True)
        thread.start()
        self.stack.callback(thread.join)
        self.stack.callback(ends.set)

    # Who does not.

    def forgotten_notebook(self, server: Server) -> None:
        """Let a cell end and go home; the window stays open."""
        self.tab(server, "forgotten", FORGOTTEN)

    def never_used(self, server: Server) -> None:
        """Look at the file browser, and at nothing else."""
        with server.client() as http:
            http.get("api/contents/").raise_for_status()

    def paused_debugger(self, server: Server) -> None:
        """Stop a cell at a breakpoint, as JupyterLab's debugger does, and go home."""
        tab = Tab(self._served(server), "paused.ipynb", CARD + PAUSED)
        self.stack.callback(tab.socket.close)
        debugger = Debugger(tab)
        debugger.ask("initialize", clientID="t", adapterID="", pathFormat="path")
        debugger.ask("attach")
        path = debugger.ask("dumpCell", code=CARD + PAUSED)["body"]["sourcePath"]
        last = len((CARD + PAUSED).splitlines())
        debugger.ask(
            "setBreakpoints",
            breakpoints=[{"line": last}],
            source={"path": path},
            sourceModified=False,
        )
        debugger.ask("configurationDone")
        tab.run(0, CARD + PAUSED)
        debugger.wait_for("stopped")


class Debugger:
    """Speaks with a kernel's debugger over its control channel."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._count = 0

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer to one request."""
        self._count += 1
        request = {
            "type": "request", "seq": self._count, "command": command, "arguments": arguments
        }  # fmt: skip
        header = {
            "msg_id": uuid.uuid4().hex, "msg_type": "debug_request", "username": "x",
            "session": self._tab.session, "version": "5.3",
        }  # fmt: skip
        message = {"header": header, "parent_header": {}, "metadata": {}, "buffers": []}
        self._tab.socket.send(json.dumps({**message, "content": request, "channel": "control"}))
        # The answer to `attach` comes only after `configurationDone`.
        return {} if command == "attach" else self._hear("debug_reply", header["msg_id"])

    def wait_for(self, event: str) -> None:
        """Wait until the debugger tells of `event`."""
        while self._hear("debug_event").get("event") != event:
            pass

    def _hear(self, kind: str, parent: str = "") -> dict[str, Any]:
        while True:
            answer = json.loads(self._tab.socket.recv())
            if answer["msg_type"] == kind and parent in {
                "", answer["parent_header"].get("msg_id")
            }:  # fmt: skip
                found: dict[str, Any] = answer["content"]
                if not found.get("success", True):
                    raise RuntimeError(f"the debugger refuses: {found}")
                return found


def _fetch(server: Server, ends: threading.Event) -> None:
    with (
        suppress(httpx.HTTPError),
        server.client() as http,
        http.stream("GET", "files/big.bin") as answer,
    ):
        answer.raise_for_status()
        for _ in answer.iter_raw(2**17):
            # A quarter of a MiB a second.
            if ends.wait(0.5):
                return


@contextmanager
def people_at_work() -> Iterator[Begun]:
    """Let people begin; all that is open closes with the block."""
    begun = Begun()
    try:
        yield begun
    finally:
        begun.stack.close()
