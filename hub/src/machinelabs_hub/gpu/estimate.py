"""Say when a turn is likely to come, from how long servers of the same size lasted. Pure."""

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

ENOUGH = 5
"""So many servers must have ended before we say how long the next will last."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Devices that come free at some moment."""

    at: datetime
    cards: float


def typical(lengths: Sequence[float]) -> timedelta | None:
    """Return how long a server usually lasts, of sorted seconds; None: too few are known."""
    return timedelta(seconds=median(lengths)) if len(lengths) >= ENOUGH else None


def likely_end(since: datetime, lengths: Sequence[float], now: datetime) -> datetime | None:
    """Return when a server that began at `since` is likely to end; None: not known.

    Half of those that lasted at least as long ended by then.
    """
    if len(lengths) < ENOUGH:
        return None
    longer = lengths[bisect_right(lengths, (now - since).total_seconds()) :]
    return since + timedelta(seconds=median(longer)) if longer else None


def turn_at(
    needed: float, endings: Iterable[Ending], usual: timedelta | None, now: datetime
) -> datetime | None:
    """Return when `needed` cards, for all before me and me, will have come free; None: not known.

    Args:
        needed: cards beyond those that are free now.
        endings: when those in use come free, as far as it is known.
        usual: how long whoever gets them keeps them.
        now: the time.
    """
    if needed <= 0:
        return now
    heap = [(row.at, row.cards) for row in endings]
    capacity = sum(cards for _, cards in heap)
    if not capacity or (needed > capacity and usual is None):
        return None
    rounds, rest = divmod(needed, capacity)
    if not rest:
        rounds, rest = rounds - 1, capacity
    heapq.heapify(heap)
    at = now
    while rest > 0:
        at, cards = heapq.heappop(heap)
        rest -= cards
    # Whoever is before me by a whole round of cards keeps each of them once as long as usual.
    return max(now, at) + (usual or timedelta()) * rounds
