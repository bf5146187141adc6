"""How often somebody may do something: a sliding window for each key, in memory."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from machinelabs_hub.errors import MachineLabsError

_MOST_KEYS: Final = 20_000


class TooMany(MachineLabsError):
    """Asked too often; `seconds` says when the next may be asked."""

    code = "too_many"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, sentence: str, *, seconds: int) -> None:
        super().__init__(sentence)
        self.seconds = seconds


class Rate:
    """At most `count` in any `seconds`, for each key."""

    def __init__(
        self, *, count: int, seconds: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count = count
        self._seconds = seconds
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, what: str, *, count: int = 1) -> None:
        """Count one for `key`, or all of several.

        Args:
            key: who asks.
            what: the first half of the refusal, e.g. "You published 120 times in this hour."
            count: how many they ask for at once; no more than the window takes.

        Raises:
            TooMany: the window is full; nothing was counted.
        """
        now = self._clock()
        with self._lock:
            times = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            while times and times[0] <= now - self._seconds:
                times.popleft()
            over = len(times) + count - self._count
            if over > 0:
                wait = max(1, round(times[over - 1] + self._seconds - now))
                raise TooMany(f"{what} Try again in {_spoken(wait)}.", seconds=wait)
            times.extend([now] * count)
            if len(self._seen) > _MOST_KEYS:
                self._seen.popitem(last=False)


def _spoken(seconds: int) -> str:
    if seconds < 90:  # noqa: PLR2004 - beyond this people think in minutes
        return "a second" if seconds == 1 else f"{seconds} seconds"
    return f"{round(seconds / 60)} minutes"
