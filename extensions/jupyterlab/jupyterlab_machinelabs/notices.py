"""What the site tells this server: shown in its browsers; before a stop, all is saved.

A browser answers with the name of its window when it has saved. Windows that were not heard of
for a while, or that do not answer, are not waited for: what kernels put out is written here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from jupyterlab_machinelabs.recorder import Recorder
from machinelabs import Hub
from machinelabs.errors import HubError

if TYPE_CHECKING:
    from machinelabs.notices import Notice

SCHEMA: Final = "https://machinelabs.ai/jupyterlab/notices/v1"
LOOK_SECONDS: Final = 30.0
LOOK_SECONDS_WITH_GPU: Final = 3.0
"""Whoever takes more than a share of a GPU has a few seconds to give it back."""

LOOK_SECONDS_WHEN_DUE: Final = 1.0
DUE_SECONDS: Final = 90.0
WINDOW_SECONDS: Final = 60.0
"""A window that was not heard of for so long is closed, or its machine sleeps."""

SAVE_SECONDS: Final = 10.0
"""How long windows have to save what is open."""

_EVENT: Final = {
    "$id": SCHEMA,
    "version": "1",
    "title": "Notices of the site",
    "description": "The site tells this server something new, or something no longer holds.",
    "type": "object",
    "required": ["final"],
    "properties": {"final": {"type": "string", "title": "The notice on which all is saved"}},
}


class Notices:
    """The notices that hold for this server, and its answer to the last of them."""

    def __init__(
        self,
        *,
        hub: Hub,
        server: str,
        has_gpu: bool,
        recorder: Recorder,
        events: Any,
        threads: Executor,
        stop: Callable[[], Any],
        log: Any,
    ) -> None:
        self._hub = hub
        self._server = server
        self._look_seconds = LOOK_SECONDS_WITH_GPU if has_gpu else LOOK_SECONDS
        self._recorder = recorder
        self._events = events
        self._threads = threads
        self._stop = stop
        self._log = log
        self._notices: tuple[Notice, ...] = ()
        self._final = ""
        self._windows: dict[str, float] = {}
        self._saved: set[str] = set()
        self._finished: set[str] = set()
        self._at = 0.0
        self._task: asyncio.Task[None] | None = None
        events.register_event_schema(_EVENT)

    def start(self) -> None:
        """Ask the site every few seconds, from now on."""
        self._task = asyncio.get_event_loop().create_task(self._watch())

    # Asked by browsers.

    def state(self, window: str) -> dict[str, Any]:
        """Return what to show; `window` is a browser's name for itself."""
        if window:
            self._windows[window] = time.monotonic()
        passed = time.monotonic() - self._at
        items = []
        for notice in self._notices:
            row = asdict(notice)
            if notice.seconds_left is not None:
                row["seconds_left"] = max(0.0, notice.seconds_left - passed)
            items.append(row)
        return {"items": items, "final": self._final}

    def saved(self, window: str) -> None:
        """Take a browser's word that it saved what is open."""
        self._saved.add(window)

    async def keep(self) -> None:
        """Tell the site that somebody needs this server."""
        await self._call(self._hub.notices.keep, self._server)
        await self._look()

    async def stop_now(self) -> None:
        """Save what is open and stop this server: its person says so."""
        await self._finish("now", _nothing)
        self._stop()

    # Asked of the site.

    async def _watch(self) -> None:
        while True:
            try:
                await self._look()
            except HubError as error:
                # The site is away, or this server is on none: what it said last holds on.
                self._log.debug("Notices are not known now: %s", error)
            await asyncio.sleep(self._pause())

    async def _look(self) -> None:
        found = await self._call(self._hub.notices.list, self._server)
        news = [one.id for one in found] != [one.id for one in self._notices]
        self._notices, self._at = found, time.monotonic()
        final = next((one for one in found if one.is_final), None)
        if final is not None and final.id not in self._finished:
            await self._finish(final.id, lambda: self._confirm(final.id))
        elif final is not None:
            # The site did not hear it, or has not stopped this server yet.
            await self._confirm(final.id)
        elif news:
            self._tell()

    def _pause(self) -> float:
        left = [one.seconds_left for one in self._notices if one.seconds_left is not None]
        is_due = min(left, default=DUE_SECONDS) < DUE_SECONDS
        return LOOK_SECONDS_WHEN_DUE if is_due else self._look_seconds

    async def _finish(self, key: str, confirm: Callable[[], Awaitable[None]]) -> None:
        """Let kernels come to their end, browsers save, and write what none of them saved."""
        self._log.warning("This server is about to stop; what is open is saved")
        self._saved.clear()
        await self._recorder.settle()
        self._final = key
        self._tell()
        await self._wait_for_windows()
        written = await self._recorder.write_all()
        if written:
            self._log.warning("Outputs that no browser saved were written to: %s", written)
        self._finished.add(key)
        await confirm()

    async def _wait_for_windows(self) -> None:
        until = time.monotonic() + SAVE_SECONDS
        while time.monotonic() < until:
            recent = time.monotonic() - WINDOW_SECONDS
            open_now = {name for name, at in self._windows.items() if at > recent}
            if open_now <= self._saved:
                return
            await asyncio.sleep(0.1)

    async def _confirm(self, notice: str) -> None:
        await self._call(self._hub.notices.confirm, notice)

    def _tell(self) -> None:
        # Browsers that are hidden may not look by the clock, but they hear of events.
        self._events.emit(schema_id=SCHEMA, data={"final": self._final})

    async def _call(self, work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)


async def _nothing() -> None:
    """Confirm to nobody."""
