"""Contents that get a row, and contents that are removed: never one of them at the same time."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class ContentLocks:
    """Which contents are being kept now, and which are going. For one process."""

    def __init__(self) -> None:
        self._kept: Counter[str] = Counter()
        self._going: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def kept(self, names: Iterable[str]) -> Iterator[None]:
        """Let nobody remove these contents in the block; waits for who removes one of them."""
        asked = frozenset(names)
        with self._changed:
            self._changed.wait_for(lambda: self._going.isdisjoint(asked))
            self._kept.update(asked)
        try:
            yield
        finally:
            with self._changed:
                self._kept.subtract(asked)
                self._kept = +self._kept

    @contextmanager
    def going(self, names: Iterable[str]) -> Iterator[frozenset[str]]:
        """Let nobody begin to keep these contents in the block; gives those that nobody keeps."""
        with self._changed:
            # What another removes just now is left to that one.
            free = frozenset(names) - self._kept.keys() - self._going
            self._going |= free
        try:
            yield free
        finally:
            with self._changed:
                self._going -= free
                self._changed.notify_all()
