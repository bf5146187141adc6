"""A console of a kernel over a web socket, as JupyterLab has it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect


class Kernel:
    """A console beside the run."""

    def __init__(self, socket: WebSocketClientConnection, session: str) -> None:
        self._socket, self._session = socket, session

    async def ask(self, code: str) -> str:
        """Execute code; return what it printed, or the error's name."""
        said: dict[str, Any] = {
            "header": {
                "msg_id": uuid4().hex, "msg_type": "execute_request", "version": "5.3",
                "session": self._session, "username": "", "date": "2026-01-01T00:00:00Z",
            },
            "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": [],
            "content": {"code": code, "silent": False, "store_history": False,
                        "user_expressions": {}, "allow_stdin": False, "stop_on_error": True},
        }  # fmt: skip
        await self._socket.write_message(json.dumps(said))
        printed = ""
        async with asyncio.timeout(60):
            while True:
                heard = json.loads(await self._socket.read_message() or "{}")
                if heard["parent_header"].get("msg_id") != said["header"]["msg_id"]:
                    continue
                if heard["msg_type"] == "stream":
                    printed += heard["content"]["text"]
                if heard["msg_type"] == "error":
                    printed += heard["content"]["ename"]
                if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                    return printed


@asynccontextmanager
async def connected(url: str, origin: str, cookies: str) -> AsyncIterator[Kernel]:
    """Open a console at the `channels` of a kernel for the block."""
    session = uuid4().hex
    asked = HTTPRequest(
        f"{url.replace('http', 'ws', 1)}?session_id={session}",
        headers={"Cookie": cookies, "Origin": origin},
    )
    socket = await websocket_connect(asked)
    try:
        yield Kernel(socket, session)
    finally:
        socket.close()
        while await socket.read_message() is not None:
            pass


async def ask_kernel(url: str, origin: str, cookies: str, code: str) -> str:
    """Execute code; return what it printed, or the error's name."""
    async with connected(url, origin, cookies) as kernel:
        return await kernel.ask(code)
