"""Merge a text by line: two changes clash only where they touch the same lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from machinelabs_hub.labs.merge.align import Hunk, hunks


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some lines of the result. In a clash `mine` and `theirs` differ, else they are the same."""

    mine: tuple[str, ...]
    theirs: tuple[str, ...]

    @property
    def is_clash(self) -> bool:
        """Whether both sides changed the same lines, each in its own way."""
        return self.mine != self.theirs


@dataclass(frozen=True, slots=True)
class MergedLines:
    """A text that was merged."""

    stretches: tuple[Stretch, ...]

    @property
    def clashes(self) -> int:
        """How many places were changed by both, each in its own way."""
        return sum(stretch.is_clash for stretch in self.stretches)

    @property
    def mine(self) -> str:
        """The text with my lines where there is a clash."""
        return "\n".join(line for stretch in self.stretches for line in stretch.mine)

    @property
    def theirs(self) -> str:
        """The text with their lines where there is a clash."""
        return "\n".join(line for stretch in self.stretches for line in stretch.theirs)

    def marked(self, mine: str, theirs: str) -> str:
        """Return the text with both sides of every clash, between git's marks.

        Args:
            mine: how my side is called in the mark.
            theirs: how theirs is called.
        """
        end = "\r" if any(line.endswith("\r") for line in self._lines()) else ""
        shown: list[str] = []
        for stretch in self.stretches:
            if not stretch.is_clash:
                shown += stretch.mine
                continue
            shown += (f"<<<<<<< {mine}{end}", *stretch.mine, f"======={end}", *stretch.theirs)
            shown.append(f">>>>>>> {theirs}{end}")
        return "\n".join(shown)

    def _lines(self) -> Iterator[str]:
        for stretch in self.stretches:
            yield from stretch.mine


def merge_lines(base: str, mine: str, theirs: str) -> MergedLines:
    """Merge two texts that come from `base`."""
    was, here, there = (text.split("\n") for text in (base, mine, theirs))
    if theirs in {mine, base}:
        return MergedLines((_clean(here),))
    if mine == base:
        return MergedLines((_clean(there),))
    done: list[Stretch] = []
    at = 0
    for lo, hi, own, other in _groups(list(hunks(was, here)), list(hunks(was, there))):
        done.append(_clean(was[at:lo]))
        done += _decided(
            _applied(was, here, own, lo, hi), _applied(was, there, other, lo, hi), own, other
        )
        at = hi
    done.append(_clean(was[at:]))
    return MergedLines(tuple(stretch for stretch in done if stretch.mine or stretch.theirs))


def _clean(lines: Sequence[str]) -> Stretch:
    same = tuple(lines)
    return Stretch(same, same)


def _decided(
    mine: list[str], theirs: list[str], own: list[Hunk], other: list[Hunk]
) -> list[Stretch]:
    if not other:
        return [_clean(mine)]
    if not own:
        return [_clean(theirs)]
    head = 0
    while head < min(len(mine), len(theirs)) and mine[head] == theirs[head]:
        head += 1
    tail = 0
    most = min(len(mine), len(theirs)) - head
    while tail < most and mine[-1 - tail] == theirs[-1 - tail]:
        tail += 1
    middle = Stretch(tuple(mine[head : len(mine) - tail]), tuple(theirs[head : len(theirs) - tail]))
    return [_clean(mine[:head]), middle, _clean(mine[len(mine) - tail :])]


def _groups(
    own: list[Hunk], other: list[Hunk]
) -> Iterator[tuple[int, int, list[Hunk], list[Hunk]]]:
    """Yield stretches of the base with the hunks of either side that touch one another."""
    rest = sorted([(h.lo, h.hi, 0, h) for h in own] + [(h.lo, h.hi, 1, h) for h in other],
                  key=lambda item: item[:3])  # fmt: skip
    position = 0
    while position < len(rest):
        lo, hi, side, hunk = rest[position]
        sides: tuple[list[Hunk], list[Hunk]] = ([], [])
        sides[side].append(hunk)
        position += 1
        while position < len(rest):
            next_lo, next_hi, side, hunk = rest[position]
            # Two insertions at one place touch; one beside a changed line does not.
            if next_lo >= hi and not (next_lo == next_hi == lo == hi):
                break
            sides[side].append(hunk)
            hi = max(hi, next_hi)
            position += 1
        yield lo, hi, *sides


def _applied(was: list[str], now: list[str], changes: list[Hunk], lo: int, hi: int) -> list[str]:
    lines: list[str] = []
    at = lo
    for hunk in changes:
        lines += was[at : hunk.lo]
        lines += now[hunk.start : hunk.end]
        at = hunk.hi
    return lines + was[at:hi]
