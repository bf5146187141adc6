"""Ask a notebook server over HTTP whether it answers yet, cheaply and often."""

import asyncio
from typing import Final

INTERVAL_SECONDS: Final = 0.02
ANSWER_SECONDS: Final = 10
SERVER_ERROR: Final = 500


async def answers(host: str, port: int, path: str) -> bool:
    """Return whether a GET of `path` is answered with any status under 500."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await _status(host, port, path) < SERVER_ERROR
    except (OSError, TimeoutError, ValueError, IndexError):
        return False


async def _status(host: str, port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
