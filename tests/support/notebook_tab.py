"""A notebook that is open in a browser, as its server sees it: a session and a WebSocket."""

import json
import uuid
from typing import Any

import websocket
from nbformat import v4
from tests.support.notebook_server import NotebookServer

COUNTS = """
import time
for number in range(6000):
    print("line", number, flush=True)
    time.sleep(0.1)
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
        made = {"type": "notebook", "format": "json", "content": book}
        server.http.put(f"/api/contents/{path}", json=made).raise_for_status()
        body = {"path": path, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        answer = server.http.post("/api/sessions", json=body).raise_for_status().json()
        self.kernel = answer["kernel"]["id"]
        self.session = uuid.uuid4().hex
        self.socket = self.connect()

    def connect(self) -> Any:
        return websocket.create_connection(
            f"ws{self.server.url.removeprefix('http')}/api/kernels/{self.kernel}/channels"
            f"?session_id={self.session}",
            header=[f"Authorization: {self.server.http.headers['Authorization']}"],
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
            if answer["parent_header"].get("msg_id") != asked:
                continue
            if answer["msg_type"] == "error":
                raise RuntimeError("\n".join(answer["content"]["traceback"]))
            if answer["msg_type"] == "stream":
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


def lines(text: str) -> list[int]:
    return [int(line.split()[1]) for line in text.splitlines() if line.startswith("line ")]
