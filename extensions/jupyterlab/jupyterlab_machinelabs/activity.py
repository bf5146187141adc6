"""Is this server at work? Kernels, terminals and transfers count; a page that polls does not.

What is found is kept in the Jupyter server's `last_activity_times["machinelabs"]`, which
JupyterHub's own part of this server reports to the hub, whose culler decides by it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psutil
from tornado.httputil import HTTPServerRequest
from tornado.web import OutputTransform

KEY: Final = "machinelabs"
TICK_SECONDS: Final = 20

REPORT_SECONDS: Final = 330
"""JupyterHub's part of this server reports every 300 s, give or take a tenth."""


@dataclass(frozen=True, slots=True)
class Idle:
    """How long this server stands still and when it stops for it.

    `seconds_left` is None where servers are never stopped; it is the whole time while busy.
    """

    busy: tuple[str, ...]
    seconds_left: int | None
    warning_seconds: int

    @property
    def is_due(self) -> bool:
        """Whether it is time to warn."""
        return self.seconds_left is not None and self.seconds_left <= self.warning_seconds


def idle(
    *,
    busy: tuple[str, ...],
    last_activity: datetime,
    now: datetime,
    idle_minutes: int,
    warning_minutes: int,
) -> Idle:
    """Work out an `Idle`. Pure."""
    if not idle_minutes:
        return Idle(busy, None, 0)
    since = timedelta() if busy else max(now - last_activity, timedelta())
    left = timedelta(minutes=idle_minutes) - since
    warning = min(warning_minutes, idle_minutes) * 60
    return Idle(busy, max(int(left.total_seconds()), 0), warning)


def is_report_due(
    *, last_activity: datetime, told: datetime, now: datetime, idle_minutes: int
) -> bool:
    """Whether the hub might stop a server that worked since it last heard of it. Pure.

    The hub may be as late as JupyterHub's own reports are: who comes back just before the end
    would be stopped with the old time.
    """
    if not idle_minutes or last_activity <= told:
        return False
    return now - told >= timedelta(seconds=max(idle_minutes * 60 - REPORT_SECONDS, TICK_SECONDS))


class Activity:
    """Watches one Jupyter server."""

    def __init__(
        self,
        *,
        web_app: Any,
        terminals: Any,
        jobs_are_busy: Callable[[], bool],
        tell_hub: Callable[[datetime], Awaitable[None]],
        idle_minutes: int = 0,
    ) -> None:
        self._idle_minutes = idle_minutes
        self._told = datetime.now(UTC)
        self._web_app = web_app
        self._terminals = terminals
        self._jobs_are_busy = jobs_are_busy
        self._tell_hub = tell_hub
        self._task: asyncio.Task[None] | None = None
        self._transfer_at = datetime.fromtimestamp(0, UTC)

    def start(self) -> None:
        """Look every few seconds, from now on."""
        self._task = asyncio.get_event_loop().create_task(self._watch())

    def stop(self) -> None:
        """Look no more."""
        if self._task:
            self._task.cancel()

    def touch(self) -> None:
        """Count this moment as work."""
        self._web_app.settings["last_activity_times"][KEY] = datetime.now(UTC)

    async def keep(self) -> None:
        """Count this moment as work, and let the hub know at once."""
        self.touch()
        await self._tell()

    @staticmethod
    def now() -> datetime:
        """Return the present, as this class counts it."""
        return datetime.now(UTC)

    def last(self) -> datetime:
        """Return when this server last worked or was used."""
        at: datetime = self._web_app.last_activity()
        return at

    def transferred(self) -> None:
        """A piece of a download left just now."""
        self._transfer_at = datetime.now(UTC)
        self.touch()

    def busy(self) -> tuple[str, ...]:
        """Return what is at work: `kernel`, `terminal`, `transfer`."""
        found = []
        if any(_is_busy(kernel) for kernel in _kernels(self._web_app)):
            found.append("kernel")
        if any(_has_children(pid) for pid in self._terminal_pids()):
            found.append("terminal")
        recently = datetime.now(UTC) - self._transfer_at < timedelta(seconds=TICK_SECONDS)
        if recently or self._jobs_are_busy():
            found.append("transfer")
        return tuple(found)

    async def _watch(self) -> None:
        while True:
            if self.busy():
                self.touch()
            due = is_report_due(
                last_activity=self.last(),
                told=self._told,
                now=self.now(),
                idle_minutes=self._idle_minutes,
            )
            if due:
                await self._tell()
            await asyncio.sleep(TICK_SECONDS)

    async def _tell(self) -> None:
        self._told = self.last()
        await self._tell_hub(self._told)

    def _terminal_pids(self) -> Iterable[int]:
        if self._terminals is None:
            return
        for terminal in list(self._terminals.terminals.values()):
            process = getattr(terminal, "ptyproc", None)
            if process is not None:
                yield process.pid


def _kernels(web_app: Any) -> list[Any]:
    manager = web_app.settings["kernel_manager"]
    return [manager.get_kernel(kernel_id) for kernel_id in manager.list_kernel_ids()]


def _is_busy(kernel: Any) -> bool:
    return getattr(kernel, "execution_state", "") == "busy"


def _has_children(pid: int) -> bool:
    try:
        children = psutil.Process(pid).children()
        return any(child.status() != psutil.STATUS_ZOMBIE for child in children)
    except psutil.Error:
        return False


def count_transfers(activity: Activity) -> type[OutputTransform]:
    """Return a tornado transform that tells `activity` of every answer sent in pieces."""

    class Transfer(OutputTransform):
        def __init__(self, request: HTTPServerRequest) -> None:
            super().__init__(request)

        def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:  # noqa: FBT001
            if not finishing:
                activity.transferred()
            return chunk

    return Transfer


def count_only_changes(handler: Any) -> None:
    """Let requests that only read not count as work: an open page polls for ever.

    JupyterLab asks for kernels, sessions, terminals and folders every few seconds. Saving,
    running and starting send other methods, and kernels and terminals report for themselves.
    """
    tracks = property(lambda self: self.request.method not in {"GET", "HEAD", "OPTIONS"})
    handler._track_activity = tracks  # noqa: SLF001
