"""A real kernel of a person's server, driven over its WebSocket as JupyterLab does."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import websocket
from tests.support.site import Server

SECONDS = 60


class Kernel:
    """One kernel. `run` returns what the code printed."""

    def __init__(self, server: Server, kernel_id: str) -> None:
        self.id = kernel_id
        self._server = server
        self._session = uuid.uuid4().hex

    def run(self, code: str) -> str:
        """Run `code` and return its output; an error's name and message come back too."""
        address = f"ws{self._server.url.removeprefix('http')}"
        socket = websocket.create_connection(
            f"{address}api/kernels/{self.id}/channels?session_id={self._session}",
            header=[f"Authorization: token {self._server.token}"],
            timeout=SECONDS,
            suppress_origin=True,
        )
        try:
            return self._execute(socket, code)
        finally:
            socket.close()

    def _execute(self, socket: Any, code: str) -> str:
        asked = uuid.uuid4().hex
        header = {
            "msg_id": asked,
            "msg_type": "execute_request",
            "username": self._server.user,
            "session": self._session,
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        socket.send(json.dumps({**message, "channel": "shell", "buffers": []}))
        said: list[str] = []
        while True:
            answer = json.loads(socket.recv())
            if answer["parent_header"].get("msg_id") != asked:
                continue
            kind, what = answer["msg_type"], answer["content"]
            if kind == "stream":
                said.append(what["text"])
            elif kind == "error":
                said.append(f"{what['ename']}: {what['evalue']}")
            elif kind == "status" and what["execution_state"] == "idle":
                return "".join(said)


@contextmanager
def kernel(server: Server) -> Iterator[Kernel]:
    """Start a kernel on a person's server; it ends with the block."""
    with server.client() as client:
        answer = client.post("api/kernels", json={"name": "python3"})
        answer.raise_for_status()
        started = Kernel(server, answer.json()["id"])
        try:
            yield started
        finally:
            # The test may have ended the server.
            with suppress_gone():
                client.delete(f"api/kernels/{started.id}")


@contextmanager
def suppress_gone() -> Iterator[None]:
    """Let a server that does not answer any more be."""
    try:
        yield
    except httpx.HTTPError:
        return
