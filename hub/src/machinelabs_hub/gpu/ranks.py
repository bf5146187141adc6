"""Who stands where in the line, kept in order while people come and go."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from machinelabs_hub.gpu.model import Ask, Holder

Key = tuple[float, float, str, str]
"""What the line is ordered by: the moment that counts, the moment of coming, the server."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """Somebody in the line, and by how much recent use puts them back."""

    ask: Ask
    since: datetime
    late: timedelta = timedelta()

    @property
    def key(self) -> Key:
        """Their rank: the least is first."""
        holder = self.ask.holder
        counted = (self.since + self.late).timestamp()
        return counted, self.since.timestamp(), holder.user, holder.server


class Ranks:
    """The waiting, in order, of each flavour and of each group that they belong to."""

    def __init__(self) -> None:
        self._waiters: dict[Holder, Waiter] = {}
        self._lines: dict[tuple[str, str], list[tuple[Key, Holder]]] = {}

    def __len__(self) -> int:
        return len(self._waiters)

    def __iter__(self) -> Iterator[Waiter]:
        return iter(self._waiters.values())

    def add(self, waiter: Waiter) -> None:
        """Let somebody stand in the line; one server stands in it once."""
        self.remove(waiter.ask.holder)
        self._waiters[waiter.ask.holder] = waiter
        for line in _lines_of(waiter):
            insort(self._lines.setdefault(line, []), (waiter.key, waiter.ask.holder))

    def remove(self, holder: Holder) -> Waiter | None:
        """Let somebody leave the line; return who left."""
        waiter = self._waiters.pop(holder, None)
        if waiter is None:
            return None
        for line in _lines_of(waiter):
            row = self._lines[line]
            del row[bisect_left(row, (waiter.key, holder))]
            if not row:
                del self._lines[line]
        return waiter

    def get(self, holder: Holder) -> Waiter | None:
        """Return the one who waits for this server."""
        return self._waiters.get(holder)

    def first(self, flavour: str, group: str = "") -> Waiter | None:
        """Return who is first for a flavour, of a group or of everybody."""
        return next(self.walk(flavour, group, 1), None)

    def walk(self, flavour: str, group: str, most: int) -> Iterator[Waiter]:
        """Yield the first `most` who wait for a flavour, of a group or (empty) of everybody."""
        for _, holder in islice(self._lines.get((flavour, group), ()), most):
            yield self._waiters[holder]

    def heads(self) -> list[Waiter]:
        """Return who is first for each flavour, in the order of the line."""
        firsts = [row[0] for (_, group), row in self._lines.items() if not group]
        return [self._waiters[holder] for _, holder in sorted(firsts)]

    def ahead(self, flavour: str, key: Key) -> int:
        """Return how many who wait for a flavour stand before `key`."""
        row = self._lines.get((flavour, ""), [])
        return bisect_left(row, key, key=lambda entry: entry[0])


def _lines_of(waiter: Waiter) -> Iterator[tuple[str, str]]:
    yield waiter.ask.flavour, ""
    for group in waiter.ask.groups:
        if group:
            yield waiter.ask.flavour, group
