"""A link to a server that lets through only so many bytes a second, as far as a test says."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 16 * 1024


@dataclass
class SlowLink:
    """A port of this machine that leads to another. `rate` holds for all connections together."""

    target: int
    rate: float | None = None
    """Bytes a second towards whoever asks; None: as fast as it goes."""
    passed: int = 0
    """Bytes that came through."""
    port: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def run(self, listens: threading.Event) -> None:
        """Serve until `close`."""
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        listens.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        server.close()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            from_target, to_target = await asyncio.open_connection("127.0.0.1", self.target)
            there = asyncio.ensure_future(self._pass_on(reader, to_target, slowly=False))
            try:
                await self._pass_on(from_target, writer, slowly=True)
            finally:
                there.cancel()
                to_target.close()
        writer.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slowly: bool
    ) -> None:
        while chunk := await reader.read(CHUNK):
            if slowly and self.rate:
                async with self._turn:
                    await asyncio.sleep(len(chunk) / self.rate)
            writer.write(chunk)
            await writer.drain()
            self.passed += len(chunk) if slowly else 0


@contextmanager
def slow_link(target: int) -> Iterator[SlowLink]:
    """Give a link to a port of this machine, on a thread of its own."""
    link = SlowLink(target)
    listens = threading.Event()
    thread = threading.Thread(target=link.run, args=(listens,), daemon=True)
    thread.start()
    listens.wait(10)
    try:
        yield link
    finally:
        link.close()
        thread.join(10)
