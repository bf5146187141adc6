"""Which items of two sequences are the same: as many as matter, in bounded time."""

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

_CLOSE_LOOK: Final = 60_000
"""Pairs of items up to which a stretch without unique items is compared one by one."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """A change: `base[lo:hi]` became `other[start:end]`."""

    lo: int
    hi: int
    start: int
    end: int


def matches(base: Sequence[Hashable], other: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return pairs of positions of equal items, both rising.

    What is unique on both sides leads; between such items the same is done again. It may find
    fewer than there are, but takes no more than a few passes over either.
    """
    found: list[tuple[int, int]] = []
    open_ = [(0, len(base), 0, len(other))]
    while open_:
        lo, hi, start, end = open_.pop()
        while lo < hi and start < end and base[lo] == other[start]:
            found.append((lo, start))
            lo, start = lo + 1, start + 1
        while lo < hi and start < end and base[hi - 1] == other[end - 1]:
            hi, end = hi - 1, end - 1
            found.append((hi, end))
        if lo == hi or start == end:
            continue
        anchors = _anchors(base, other, (lo, hi, start, end))
        if anchors:
            found += anchors
            edges = [(lo - 1, start - 1), *anchors, (hi, end)]
            for (left, left_other), (right, right_other) in pairwise(edges):
                open_.append((left + 1, right, left_other + 1, right_other))
        elif (hi - lo) * (end - start) <= _CLOSE_LOOK:
            found += _closely(base, other, (lo, hi, start, end))
    return sorted(found)


def hunks(base: Sequence[Hashable], other: Sequence[Hashable]) -> Iterator[Hunk]:
    """Yield what has to be changed in `base` to have `other`, from the first to the last."""
    lo = start = 0
    for at, at_other in [*matches(base, other), (len(base), len(other))]:
        if at > lo or at_other > start:
            yield Hunk(lo, at, start, at_other)
        lo, start = at + 1, at_other + 1


def rising(numbers: Sequence[int]) -> list[int]:
    """Return the positions of a longest rising part of `numbers`."""
    tails: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for position, number in enumerate(numbers):
        length = bisect_left(tails, number)
        before.append(at[length - 1] if length else -1)
        if length == len(tails):
            tails.append(number)
            at.append(position)
        else:
            tails[length] = number
            at[length] = position
    chosen: list[int] = []
    position = at[-1] if at else -1
    while position >= 0:
        chosen.append(position)
        position = before[position]
    return chosen[::-1]


def _anchors(
    base: Sequence[Hashable], other: Sequence[Hashable], part: tuple[int, int, int, int]
) -> list[tuple[int, int]]:
    lo, hi, start, end = part
    here, there = _once(base, lo, hi), _once(other, start, end)
    pairs = [(at, there[item]) for item, at in here.items() if item in there]
    pairs.sort()
    return [pairs[position] for position in rising([at for _, at in pairs])]


def _once(items: Sequence[Hashable], lo: int, hi: int) -> dict[Hashable, int]:
    seen: dict[Hashable, int] = {}
    for position in range(lo, hi):
        item = items[position]
        seen[item] = -1 if item in seen else position
    return {item: position for item, position in seen.items() if position >= 0}


def _closely(
    base: Sequence[Hashable], other: Sequence[Hashable], part: tuple[int, int, int, int]
) -> list[tuple[int, int]]:
    lo, hi, start, end = part
    matcher = SequenceMatcher(None, base[lo:hi], other[start:end], autojunk=False)
    return [
        (lo + block.a + step, start + block.b + step)
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    ]
