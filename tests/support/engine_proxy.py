"""A switchable proxy in front of the engine's socket: the engine goes away when a test says so."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

ENGINE = "/var/run/docker.sock"
CHUNK = 65536
FAILURE = b'{"message":"the engine has failed for this test"}'


class Mode(StrEnum):
    """How the engine seems to be."""

    WELL = "well"
    REFUSES = "refuses"
    FAILS = "fails"
    HANGS = "hangs"
    SLOW = "slow"


class EngineProxy:
    """One proxy socket. Switching the mode ends the connections that are open."""

    def __init__(self, socket: Path, engine: str = ENGINE) -> None:
        self.socket = socket
        self.engine = engine
        self.mode = Mode.WELL
        self.delay = 2.0
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """What `engine.socket` says."""
        return f"unix://{self.socket}"

    def switch(self, mode: Mode) -> None:
        """Let the engine seem so from now on."""
        asyncio.run_coroutine_threadsafe(self._switch(mode), self._loop).result(10)

    def run(self, listens: threading.Event) -> None:
        """Serve until `close`."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        listens.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._let_go())
        self._loop.close()

    def close(self) -> None:
        """End the proxy; the engine stays."""
        self.switch(Mode.REFUSES)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _let_go(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        # A transport that was closed goes only at one of the loop's next turns.
        await asyncio.sleep(0.05)

    async def _switch(self, mode: Mode) -> None:
        self.mode = mode
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if mode is Mode.REFUSES and self._server:
            self._server.close()
            self._server = None
            self.socket.unlink(missing_ok=True)
        elif mode is not Mode.REFUSES and self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, str(self.socket))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.HANGS:
            await asyncio.Event().wait()
        if self.mode is Mode.FAILS:
            await reader.readuntil(b"\r\n\r\n")
            head = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
            size = f"Content-Length: {len(FAILURE)}\r\nConnection: close\r\n\r\n"
            writer.write((head + size).encode() + FAILURE)
            await writer.drain()
            return
        to_engine, from_engine = await asyncio.open_unix_connection(self.engine)
        try:
            ways = [
                asyncio.ensure_future(self._pass_on(reader, from_engine, slow=True)),
                asyncio.ensure_future(self._pass_on(to_engine, writer, slow=False)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
        finally:
            from_engine.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool
    ) -> None:
        while chunk := await reader.read(CHUNK):
            if slow and self.mode is Mode.SLOW:
                await asyncio.sleep(self.delay)
            writer.write(chunk)
            await writer.drain()


@contextmanager
def engine_proxy(folder: Path, engine: str = ENGINE) -> Iterator[EngineProxy]:
    """Give a proxy in front of an engine (this machine's), on a thread of its own."""
    proxy = EngineProxy(folder / "engine.sock", engine)
    listens = threading.Event()
    thread = threading.Thread(target=proxy.run, args=(listens,), daemon=True)
    thread.start()
    listens.wait(10)
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(10)
