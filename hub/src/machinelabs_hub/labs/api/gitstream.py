"""Answer with what a git process says, piece by piece: bounded in memory, in time and in number.

These are plain ASGI messages: a streaming response of the framework waits for the client to go
away by reading the request, whose body git's answer depends on.
"""

import asyncio
import fcntl
import zlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import BinaryIO, Final
from weakref import WeakValueDictionary

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Send

from machinelabs_hub.errors import BadInput, MachineLabsError, TooLarge, Unavailable
from machinelabs_hub.labs.storage import gitprocess

_PIECE: Final = 1 << 18
_PIPE: Final = 1 << 20
_PATIENCE: Final = 60.0
"""Seconds that a client may take for a piece, or to send one."""

_PATIENT: Final = 8
"""How many times too large a body may be to be heard out."""

_THOUGHT: Final = 600.0
"""Seconds that git may be silent."""

_TURN: Final = 30.0
"""Seconds that a request waits for its turn."""


class GitBusy(Unavailable):
    """As many git clients are served as the site serves at once."""

    code = "git_busy"

    def __init__(self, sentence: str) -> None:
        super().__init__(f"{sentence} Try again in a minute.")


class TooSlow(MachineLabsError):
    """A client that stopped sending."""

    code = "too_slow"
    status = HTTPStatus.REQUEST_TIMEOUT

    def __init__(self) -> None:
        super().__init__("Nothing came from your side for a minute. Try again.")


class BadPack(BadInput):
    """A request's body that is not what its headers say."""

    code = "bad_pack"


class Turns:
    """Who is served now: so many at once, and of one client at most half of them."""

    def __init__(self, count: int) -> None:
        self._all = asyncio.Semaphore(count)
        self._each = max(1, count // 2)
        self._of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, client: str) -> AsyncIterator[None]:
        """Hold one turn for the block.

        Who has their share waits for one of their own turns: git asks anew while the answer
        before is not quite ended here.

        Raises:
            GitBusy: there was none for half a minute.
        """
        own = self._of.setdefault(client, asyncio.Semaphore(self._each))
        async with (
            _turn(own, "As many git clients as one may have here at once are yours already."),
            _turn(self._all, "Many people use git here at this moment."),
        ):
            yield


@asynccontextmanager
async def _turn(turns: asyncio.Semaphore, sentence: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_TURN):
            await turns.acquire()
    except TimeoutError as error:
        raise GitBusy(sentence) from error
    try:
        yield
    finally:
        turns.release()


async def take_body(request: Request, into: BinaryIO, most: int) -> bool:
    """Write a request's body to a file, unpacked where it is gzipped.

    Returns:
        Whether it was at most `most` bytes. The rest is read and dropped: a git client hears
        nobody before it has said all.

    Raises:
        BadPack: it is not gzip although it says so.
        TooSlow: nothing came for a minute.
        TooLarge: it is far more than that.
    """
    kind = request.headers.get("content-encoding", "")
    unpack = zlib.decompressobj(wbits=31) if kind in {"gzip", "x-gzip"} else None
    size, pieces = 0, aiter(request.stream())
    while (piece := await _next(pieces)) is not None:
        while piece:
            try:
                bare = unpack.decompress(piece, _PIECE) if unpack else piece
            except zlib.error as error:
                raise BadPack("What was sent says that it is gzipped, and is not.") from error
            size += len(bare)
            if size <= most:
                into.write(bare)
            elif size > _PATIENT * most:
                raise TooLarge(f"More than {size >> 20} MiB came at once. Send less.")
            piece = unpack.unconsumed_tail if unpack else b""
    into.seek(0)
    return size <= most


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await asyncio.wait_for(anext(pieces, None), _PATIENCE)
    except TimeoutError as error:
        raise TooSlow from error


async def answer_of_git(
    words: tuple[str, ...],
    *,
    protocol: str,
    body: BinaryIO | None,
    headers: list[tuple[bytes, bytes]],
    first: bytes,
    receive: Receive,
    send: Send,
) -> None:
    """Answer with the output of git, which is ended when the client goes away.

    Args:
        words: git's order.
        protocol: what the client sent as `Git-Protocol`.
        body: what git reads.
        headers: of the answer.
        first: bytes before git's own.
        receive: the request; its body was read.
        send: the answer.
    """
    environment = gitprocess.ENVIRONMENT | ({"GIT_PROTOCOL": protocol} if protocol else {})
    process = await asyncio.create_subprocess_exec(
        "git",
        *gitprocess.options(),
        *words,
        stdin=body or DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        env=environment,
        limit=_PIPE,
    )
    gitprocess.confine(process.pid)
    leaving = asyncio.create_task(_left(receive))
    sending = asyncio.create_task(_send(process, headers, first, send))
    try:
        await asyncio.wait({leaving, sending}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        for task in (leaving, sending):
            task.cancel()
            with suppress(asyncio.CancelledError, TimeoutError):
                await task
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _send(
    process: Process, headers: list[tuple[bytes, bytes]], first: bytes, send: Send
) -> None:
    pipe = process.stdout
    if pipe is None:
        return
    _widen(process)
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    piece = first or await asyncio.wait_for(pipe.read(_PIECE), _THOUGHT)
    while piece:
        message = {"type": "http.response.body", "body": piece, "more_body": True}
        await asyncio.wait_for(send(message), _PATIENCE)
        piece = await asyncio.wait_for(pipe.read(_PIECE), _THOUGHT)
    # Also if git failed: what it said has its own end, and proxies hang on an answer without one.
    await send({"type": "http.response.body", "body": b""})


def _widen(process: Process) -> None:
    transport = getattr(process, "_transport", None)
    pipe = transport and transport.get_pipe_transport(1)
    file = pipe and pipe.get_extra_info("pipe")
    if file:
        with suppress(OSError):
            fcntl.fcntl(file.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)


async def _left(receive: Receive) -> None:
    with suppress(ClientDisconnect):
        while (await receive())["type"] != "http.disconnect":
            pass
