"""Whose turn it is. Pure: the pool and the line are given, and are afterwards as they were.

First come a reservation's people for its slots, then the line. For whoever is first of a size and
does not fit, the cards that will serve them soonest are kept: nobody behind them lands on these.
So small requests go by a large one only where they do not delay it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from machinelabs_hub.gpu.model import Want
from machinelabs_hub.gpu.pool import Pool
from machinelabs_hub.gpu.ranks import Ranks, Waiter
from machinelabs_hub.gpu.reservations import Occurrence, Reservation


@dataclass(frozen=True, slots=True)
class Slots:
    """A reservation that holds now."""

    row: Reservation
    now: Occurrence
    want: Want
    """What its flavour needs."""
    kept: int
    """How many slots are kept free."""
    unused: int
    """How many slots nobody of the group uses: for these its people are first."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody gets devices now; `reservation` is 0 where it is no reservation's slot."""

    waiter: Waiter
    uuids: tuple[str, ...]
    reservation: int = 0


def next_turn(pool: Pool, ranks: Ranks, slots: Sequence[Slots]) -> Turn | None:
    """Return who gets which devices now; None: nobody who waits can be served."""
    if not len(ranks):
        return None
    with pool.trial():
        kept = [_keep(pool, one) for one in slots]
        for one, mine in zip(slots, kept, strict=True):
            if turn := _reserved(pool, ranks, one, mine.places):
                return turn
        for waiter in ranks.heads():
            if uuids := pool.fit(waiter.ask.want):
                return Turn(waiter, uuids)
            pool.block(pool.nearest(waiter.ask.want))
    return None


def in_the_way(pool: Pool, slots: Sequence[Slots]) -> set[str]:
    """Return the devices that reservations wait for: somebody else holds part of each."""
    with pool.trial():
        return {uuid for one in slots for uuid in _keep(pool, one).awaited}


@dataclass(frozen=True, slots=True)
class _Kept:
    """A reservation's slots: the devices of those for which there is room, and of the others."""

    places: list[tuple[str, ...]]
    awaited: list[str]


def _keep(pool: Pool, one: Slots) -> _Kept:
    found = _Kept([], [])
    for _ in range(one.kept):
        if uuids := pool.fit(one.want):
            pool.take(uuids, one.want.part)
            found.places.append(uuids)
            # Whoever looks for cards that come free soon is not to look at these.
            pool.block(uuid for uuid in uuids if not pool.left(uuid))
        else:
            awaited = pool.nearest(one.want)
            pool.block(awaited)
            found.awaited.extend(awaited)
    return found


def _reserved(pool: Pool, ranks: Ranks, one: Slots, places: list[tuple[str, ...]]) -> Turn | None:
    waiter = ranks.first(one.row.flavour, one.row.group) if one.unused else None
    if waiter is None:
        return None
    if places:
        return Turn(waiter, places[0], one.row.id)
    if uuids := pool.fit(one.want):
        return Turn(waiter, uuids, one.row.id)
    pool.block(pool.nearest(one.want))
    return None
