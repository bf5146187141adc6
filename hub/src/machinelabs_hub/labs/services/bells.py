"""Wake those who wait for something new of a run, from any thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

ALL: Final = 0
"""Rings for every change of state; no run has this id."""


class Bell:
    """What one listener waits for, on their own event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()
        self._is_state = False

    async def wait(self, seconds: float) -> bool:
        """Wait until it rang since the last wait, at most so long; tell whether it did."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True

    def take_state(self) -> bool:
        """Tell whether a state changed since this was asked last."""
        was, self._is_state = self._is_state, False
        return was

    def ring(self, *, state: bool) -> None:
        """Wake the listener."""
        self._is_state = self._is_state or state
        self._loop.call_soon_threadsafe(self._rung.set)


class Bells:
    """All listeners of this process."""

    def __init__(self) -> None:
        self._bells: dict[int, set[Bell]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def listen(self, run: int) -> Iterator[Bell]:
        """Listen to a run (`ALL`: to every run) for the block; on an event loop."""
        bell = Bell()
        with self._lock:
            self._bells.setdefault(run, set()).add(bell)
        try:
            yield bell
        finally:
            with self._lock:
                self._bells[run].discard(bell)
                if not self._bells[run]:
                    del self._bells[run]

    def ring(self, run: int, *, state: bool = True) -> None:
        """Tell that something of a run is new: its state, or its log alone."""
        with self._lock:
            for bell in (*self._bells.get(run, ()), *(self._bells.get(ALL, ()) if state else ())):
                bell.ring(state=state)
