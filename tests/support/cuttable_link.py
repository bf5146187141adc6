"""A connection to a port of this machine that a test cuts and mends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Link:
    """Passes bytes on between whoever connects to `port` and the port behind it."""

    def __init__(self, behind: int) -> None:
        self.port = 0
        self.answers_to_lose = 0
        """Of so many connections the first answer never comes, though it was given."""
        self._behind = behind
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """End what is open, and let nobody connect."""
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        """Let people connect again."""
        self._is_cut = False

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one connection sends, both ways, until an end of it is gone."""
        if self._is_cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        self._open.update((writer, far_writer))
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            asking = asyncio.create_task(_pump(reader, far_writer))
            await far_reader.read(1 << 16)
            writer.transport.abort()
            await asking
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self._open.difference_update((writer, far_writer))


@asynccontextmanager
async def cuttable(port: int) -> AsyncIterator[Link]:
    """Give a link to `port`; its own is `link.port`."""
    link = Link(port)
    listener = await asyncio.start_server(link.connect, "127.0.0.1", 0)
    link.port = listener.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        link.cut()
        listener.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()
