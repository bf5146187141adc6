"""What changed in a text, line by line, with a few lines around each change."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from machinelabs_hub.labs.merge.align import hunks

AROUND: Final = 3
"""Lines shown before and after a change."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of either side, or `skipped` lines that are the same on both.

    Attributes:
        sign: `+`, `-` or a space.
        before: its number on the old side, from 1; None: it is not there.
        after: its number on the new side.
    """

    sign: str
    text: str
    before: int | None = None
    after: int | None = None
    skipped: int = 0


def changed_lines(before: str, after: str, *, around: int = AROUND) -> tuple[Line, ...]:
    """Return the lines that differ between two texts, and `around` lines about each.

    Texts that differ in the ends of their lines only have none.
    """
    if before == after:
        return ()
    old, new = _lines(before), _lines(after)
    found: list[Line] = []
    lo = start = 0
    for hunk in hunks(old, new):
        found += _same(old, (lo, hunk.lo), start, head=around if found else 0, tail=around)
        found += (Line("-", old[at], before=at + 1) for at in range(hunk.lo, hunk.hi))
        found += (Line("+", new[at], after=at + 1) for at in range(hunk.start, hunk.end))
        lo, start = hunk.hi, hunk.end
    if found:
        found += _same(old, (lo, len(old)), start, head=around, tail=0)
    return tuple(found)


def all_lines(text: str, sign: str) -> tuple[Line, ...]:
    """Return a text that is on one side only: all of it was added (`+`) or removed (`-`)."""
    if sign == "+":
        return tuple(Line(sign, line, after=n) for n, line in enumerate(_lines(text), 1))
    return tuple(Line(sign, line, before=n) for n, line in enumerate(_lines(text), 1))


def _same(
    old: list[str], part: tuple[int, int], start: int, *, head: int, tail: int
) -> Iterator[Line]:
    lo, hi = part
    first, last = lo + head, hi - tail
    skips = last - first > 1
    for at in range(lo, hi):
        if skips and first <= at < last:
            if at == first:
                yield Line(" ", "", skipped=last - first)
            continue
        yield Line(" ", old[at], before=at + 1, after=start + at - lo + 1)


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines
