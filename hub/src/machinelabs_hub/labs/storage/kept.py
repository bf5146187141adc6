"""What was read last, kept for as long as nobody wrote."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final, Generic, TypeVar

from machinelabs_hub.db.engine import Sessions

MOST_KEPT: Final = 5000
SECONDS_KEPT: Final = 60

T = TypeVar("T")


def state_of(sessions: Sessions) -> tuple[int, int]:
    """Return what all that was read is as old as: while it is the same, rows say the same.

    This process alone writes them, and what an operator's program mends shows after a minute.
    """
    return sessions.changes, int(time.monotonic() / SECONDS_KEPT)


class Kept(Generic[T]):
    """What rows say, by their ids; it holds as long as `state_of` is the same.

    Which rows a list has is asked of the database each time: only what they say is kept.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._state: tuple[int, int] | None = None
        self._held: dict[int, T] = {}
        self._lock = threading.Lock()

    def now(self) -> dict[int, T]:
        """Return what is known in the present state; to be taken before anything is read."""
        state = state_of(self._sessions)
        with self._lock:
            if state != self._state:
                self._state, self._held = state, {}
            return self._held


def filled(
    held: dict[int, T], ids: Collection[int], read: Callable[[list[int]], Mapping[int, T]]
) -> dict[int, T]:
    """Return what rows say, by their ids; those that are not in `held` are read, and come into it.

    Args:
        held: what `Kept.now` gave.
        ids: the rows.
        read: reads those of them that are not held; what it does not find is left out.
    """
    # Other threads fill and empty it meanwhile.
    found = {row: known for row in ids if (known := held.get(row)) is not None}
    missing = [row for row in ids if row not in found]
    if missing:
        new = read(missing)
        if len(held) > MOST_KEPT:
            held.clear()
        held.update(new)
        found |= new
    return found
