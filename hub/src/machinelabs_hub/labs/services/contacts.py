"""When each run was heard of last, in memory: a service that begins anew waits as for a new one.

Counted by a clock that nobody sets: where the machine's jumps, no run seems silent that was not.
"""

import threading
import time
from collections.abc import Callable
from datetime import timedelta


class Contacts:
    """The last word of every run that is not over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: dict[int, float] = {}
        self._lock = threading.Lock()

    def hear(self, run: int) -> None:
        """Note that a run was heard of."""
        with self._lock:
            self._heard[run] = self._clock()

    def silence(self, run: int) -> timedelta:
        """Return how long a run has been silent: since its last word, or our first question."""
        now = self._clock()
        with self._lock:
            return timedelta(seconds=now - self._heard.setdefault(run, now))

    def keep(self, runs: frozenset[int]) -> None:
        """Forget all runs but these."""
        with self._lock:
            for run in self._heard.keys() - runs:
                del self._heard[run]
