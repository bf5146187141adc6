"""Answer the Hub, which asks whether a run's container answers, and nobody else."""

import asyncio
import contextlib
import os
import socket
from importlib.metadata import PackageNotFoundError, version
from typing import Final

SECONDS: Final = 10
MOST_HEADERS: Final = 100
OPENING: Final = "The kernel of this run is being opened. One moment."
PAGE: Final = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="1">'
    "<title>Look into a run</title><p>{}</p>"
)
"""It asks again by itself: who comes before the door is open, or was told why not, comes in."""


class Probe:
    """A listener with one address. A run's route needs no sign-in, so that is all it has."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._door = f"{path.removesuffix('api')}door"
        self._server: asyncio.Server | None = None
        self._said = OPENING

    async def start(self, port: int) -> None:
        """Listen at a port of all the container's addresses."""
        self._server = await asyncio.start_server(self._answer, port=port, limit=1 << 14)

    def say(self, sentence: str) -> None:
        """Tell this to who waits at the door; HTML."""
        self._said = sentence

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    def hand_over(self) -> list[socket.socket]:
        """Answer no more; return what listens, which goes on: the port is never anybody else's."""
        if self._server is None:
            return []
        kept = [socket.socket(fileno=os.dup(one.fileno())) for one in self._server.sockets]
        self._server.close()
        return kept

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError):
            async with asyncio.timeout(SECONDS):
                writer.write(self._response(await _path_asked_for(reader)))
                await writer.drain()
        writer.close()

    def _response(self, path: str) -> bytes:
        if path == self._door:
            status, kind = "200 OK", "text/html; charset=utf-8"
            body = PAGE.format(self._said).encode()
        else:
            status, body = ("200 OK", b"{}") if path == self._path else ("404 Not Found", b"")
            kind = "application/json"
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nCache-Control: no-store\r\n"
            f"Content-Length: {len(body)}\r\nX-JupyterHub-Version: {_hub_version()}\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode("ascii") + body


async def _path_asked_for(reader: asyncio.StreamReader) -> str:
    line = (await reader.readline()).decode("latin-1").split()
    for _ in range(MOST_HEADERS):
        if (await reader.readline()).strip() == b"":
            break
    return line[1].partition("?")[0] if len(line) > 1 else ""


def _hub_version() -> str:
    try:
        return version("jupyterhub")
    except PackageNotFoundError:
        return ""
