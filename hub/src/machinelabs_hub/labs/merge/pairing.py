"""Which cell of one state is which of another: by id, else by what stands in it."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from machinelabs_hub.labs.merge.align import matches, rising
from machinelabs_hub.labs.merge.cells import Cell

_ALIKE: Final = 0.5
"""From this likeness on, a cell in its old place is the old cell, edited."""

_MOVED: Final = 0.75
"""The same for a cell in another place."""

_MOST_COMPARED: Final = 3_000
"""Pairs of cells that are compared by their text at most; the others count as new."""

_LONGEST: Final = 4_000
"""Characters of a cell that are compared."""

_WORD: Final = re.compile(r"\w+|[^\w\s]")

Pairs = dict[int, int]
"""Position on one side -> position in the base."""


def pair(base: Sequence[Cell], side: Sequence[Cell]) -> Pairs:
    """Return which cell of `base` each cell of `side` was; a cell that is not in it is new."""
    pairing = _Pairing(base, side)
    for key in (_content, _text):
        pairing.in_order(key)
        pairing.anywhere(key)
    pairing.alike()
    return pairing.found


def pair_new(mine: Sequence[Cell], theirs: Sequence[Cell]) -> Pairs:
    """Return which new cell of `theirs` is which of `mine`, both new in one place."""
    pairing = _Pairing(mine, theirs)
    for at, at_mine in list(pairing.found.items()):
        if likeness(mine[at_mine].source, theirs[at].source) < _ALIKE:
            del pairing.found[at]
    pairing.in_order(_content)
    return pairing.found


def likeness(one: str, other: str) -> float:
    """Return how much of two texts is the same, in words and pairs of words: 0 to 1."""
    if one == other:
        return 1.0
    here, there = _words(one), _words(other)
    total = here.total() + there.total()
    return 2 * (here & there).total() / total if total else 1.0


@lru_cache(maxsize=4096)
def _words(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text[:_LONGEST])
    return Counter([*((word,) for word in words), *pairwise(words)])


def _content(cell: Cell) -> Hashable:
    return cell.kind, cell.source


def _text(cell: Cell) -> Hashable:
    return cell.source


def _names(cells: Sequence[Cell]) -> dict[str, int]:
    many = Counter(cell.id for cell in cells)
    return {cell.id: at for at, cell in enumerate(cells) if cell.id and many[cell.id] == 1}


class _Pairing:
    def __init__(self, base: Sequence[Cell], side: Sequence[Cell]) -> None:
        self._base = base
        self._side = side
        self._names = _names(side)
        self._names_base = _names(base)
        self.found: Pairs = {
            at: self._names_base[name]
            for name, at in self._names.items()
            if name in self._names_base
        }
        # Some programs give every cell a new id: then no id says anything.
        self._is_renamed = not self.found
        self._compared = 0

    def in_order(self, key: Callable[[Cell], Hashable]) -> None:
        for free_base, free in list(self._gaps()):
            for at_base, at in matches(
                [key(self._base[n]) for n in free_base], [key(self._side[n]) for n in free]
            ):
                self.found[free[at]] = free_base[at_base]

    def anywhere(self, key: Callable[[Cell], Hashable]) -> None:
        free_base, free = self._free()
        there = Counter(key(self._base[n]) for n in free_base)
        here = Counter(key(self._side[n]) for n in free)
        places = {key(self._base[n]): n for n in free_base}
        for at in free:
            name = key(self._side[at])
            if here[name] == there[name] == 1 and self._side[at].source.strip():
                self.found[at] = places[name]

    def alike(self) -> None:
        for free_base, free in list(self._gaps()):
            self._most_alike(free_base, free, _ALIKE)
        self._most_alike(*self._free(), _MOVED)

    def _most_alike(self, free_base: list[int], free: list[int], least: float) -> None:
        rated: list[tuple[float, int, int]] = []
        for at in free:
            for at_base in free_base:
                if self._compared >= _MOST_COMPARED:
                    break
                self._compared += 1
                if self._may_be(at, at_base):
                    alike = likeness(self._base[at_base].source, self._side[at].source)
                    if alike >= least:
                        rated.append((-alike, at, at_base))
        taken: set[int] = set()
        for _, at, at_base in sorted(rated):
            if at not in self.found and at_base not in taken:
                self.found[at] = at_base
                taken.add(at_base)

    def _may_be(self, at: int, at_base: int) -> bool:
        # A name that the other side does not know is a new cell, unless all names are new.
        one, other = self._side[at], self._base[at_base]
        is_named = one.id in self._names and other.id in self._names_base
        return one.kind == other.kind and (self._is_renamed or not is_named)

    def _free(self) -> tuple[list[int], list[int]]:
        taken = set(self.found.values())
        return (
            [n for n in range(len(self._base)) if n not in taken],
            [n for n in range(len(self._side)) if n not in self.found],
        )

    def _gaps(self) -> Iterator[tuple[list[int], list[int]]]:
        """Yield what is free on both sides between cells that kept their order."""
        order = sorted(self.found)
        anchors = [order[n] for n in rising([self.found[at] for at in order])]
        edges = [(-1, -1), *((at, self.found[at]) for at in anchors),
                 (len(self._side), len(self._base))]  # fmt: skip
        taken = set(self.found.values())
        for (start, lo), (end, hi) in pairwise(edges):
            free_base = [n for n in range(lo + 1, hi) if n not in taken]
            free = [n for n in range(start + 1, end) if n not in self.found]
            if free_base and free:
                yield free_base, free
