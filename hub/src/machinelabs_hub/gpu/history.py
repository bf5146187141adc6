"""The last two hours of every card and container, in a ring of plain numbers."""

import math
from array import array
from collections.abc import Iterable, Iterator
from typing import Final

LENGTH: Final = 3600
"""Moments that are kept: two hours, one every two seconds."""

_NOTHING: Final = math.nan


class Ring:
    """Numbers of many things at the same moments; who was not there has none.

    A thing that gave no number for the whole length is forgotten.
    """

    def __init__(self, *, width: int, length: int = LENGTH) -> None:
        self._width = width
        self._length = length
        self._times = array("d")
        self._next = 0
        self._rows: dict[tuple[str, ...], array[float]] = {}
        self._last: dict[tuple[str, ...], float] = {}

    def add(
        self, at: float, rows: Iterable[tuple[tuple[str, ...], Iterable[float | None]]]
    ) -> None:
        """Keep what everybody's numbers are at the moment `at` (seconds)."""
        slot = self._next
        if len(self._times) < self._length:
            self._times.append(at)
        else:
            oldest = self._times[slot]
            self._times[slot] = at
            for key in [key for key, last in self._last.items() if last <= oldest]:
                del self._rows[key], self._last[key]
        empty = array("f", [_NOTHING] * self._width)
        place = slice(slot * self._width, (slot + 1) * self._width)
        for row in self._rows.values():
            row[place] = empty
        for key, numbers in rows:
            row = self._rows.setdefault(key, array("f", empty * self._length))
            row[place] = array("f", (_NOTHING if value is None else value for value in numbers))
            self._last[key] = at
        self._next = (slot + 1) % self._length

    def since(
        self, key: tuple[str, ...], begin: float
    ) -> Iterator[tuple[float, list[float | None]]]:
        """Yield the moments from `begin` on at which `key` was there, oldest first."""
        row = self._rows.get(key)
        if row is None:
            return
        full = len(self._times) == self._length
        order = (
            [*range(self._next, len(self._times)), *range(self._next)]
            if full
            else range(len(self._times))
        )
        for slot in order:
            numbers = row[slot * self._width : (slot + 1) * self._width]
            if self._times[slot] >= begin and not all(map(math.isnan, numbers)):
                yield (
                    self._times[slot],
                    [None if math.isnan(value) else value for value in numbers],
                )
