"""Keep one process running: start it, keep its words, start it again when it dies."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Final

import httpx

from machinelabs_hub.settings import Settings
from machinelabs_hub.up.journal import Channel
from machinelabs_hub.up.layout import replace
from machinelabs_hub.up.parts import Part, environment_of

log = logging.getLogger("machinelabs.up")

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
STEADY_SECONDS: Final = 60.0
"""Who ran so long starts anew with the shortest pause."""

_LINE_LIMIT: Final = 2**20
_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None, use_errno=True)

Ready = Callable[[], Awaitable[None]]


class Keeper:
    """One part of the site: at most one process at a time, until `stop`."""

    def __init__(
        self,
        *,
        part: Part,
        settings: Settings,
        channel: Channel,
        client: httpx.AsyncClient,
        before: Ready | None = None,
        after: Ready | None = None,
    ) -> None:
        self.part = part
        self.ready = asyncio.Event()
        self.starts = 0
        self._settings = settings
        self._channel = channel
        self._client = client
        self._before = before
        self._after = after
        self._process: asyncio.subprocess.Process | None = None
        self._pid_file = settings.data / "run" / f"{part.name}.pid"

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        return self._process.pid if self._process else None

    @property
    def last_words(self) -> list[str]:
        """The last lines that the process wrote."""
        return self._channel.last

    async def run(self) -> None:
        """Keep the part running until this task is cancelled; then end its process."""
        pause = FIRST_PAUSE
        try:
            while True:
                if self._before:
                    await self._before()
                began = time.monotonic()
                code = await self._once()
                self.ready.clear()
                lasted = time.monotonic() - began
                pause = FIRST_PAUSE if lasted > STEADY_SECONDS else pause
                log.warning(
                    "%s ended (%s) after %.0f s; it starts again in %.1f s",
                    self.part.title, _ending(code), lasted, pause,
                )  # fmt: skip
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._pid_file.unlink(missing_ok=True)

    async def _once(self) -> int:
        """Start the process and return its exit code when it has ended."""
        process = await asyncio.create_subprocess_exec(
            *self.part.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment_of(self.part, self._settings),
            cwd=self._settings.data,
            limit=_LINE_LIMIT,
            # A session of its own: Ctrl-C reaches `up` alone, which ends its parts in order.
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()),
        )
        self._process = process
        self.starts += 1
        replace(self._pid_file, f"{process.pid}\n")
        log.info("%s: process %d", self.part.title, process.pid)
        reading = asyncio.create_task(self._read(process))
        greeting = asyncio.create_task(self._greet())
        try:
            return await process.wait()
        finally:
            greeting.cancel()
            if process.returncode is None:
                await _end(process)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([reading], timeout=1)
            self._process = None

    async def _greet(self) -> None:
        """Wait until the process serves, then tell who waits for it."""
        while self.part.ready and not await self._answers():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
        if self._after:
            await self._after()
        self.ready.set()

    async def _answers(self) -> bool:
        try:
            answer = await self._client.get(self.part.ready, headers=dict(self.part.headers))
        except httpx.HTTPError:
            return False
        return answer.is_success

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                # A line longer than the limit: what was read of it is dropped.
                self._channel.write("[a line that was too long]")
                continue
            if not line:
                return
            self._channel.write(line.decode("utf-8", "replace").rstrip("\n"))


async def _end(process: asyncio.subprocess.Process, patience: float = 2.0) -> None:
    """Ask the process to end; make it, with all that it started, after `patience` seconds."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), patience)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _die_with_parent(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"
