"""Whose turn it is. Pure: the pool and the line are given, and are afterwards as they were.

First come a reservation's people for its slots, then the line. For whoever is first of a size and
does not fit, the cards that will serve them soonest are kept: nobody behind them lands on these.
So small requests go by a large one only where they do not delay it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Kept:
    """A reservation's slots: the devices of those for which there is room, and of the others."""

    slots: Slots
    places: list[tuple[str, ...]] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)
    """Somebody else holds part of each."""

    @property
    def uuids(self) -> set[str]:
        """The devices that are kept now."""
        return {uuid for uuids in self.places for uuid in uuids}


def next_turn(pool: Pool, ranks: Ranks, slots: Sequence[Slots]) -> Turn | None:
    """Return who gets which devices now; None: nobody who waits can be served."""
    if not len(ranks):
        return None
    with pool.trial():
        kept = [_keep(pool, one) for one in slots]
        for one in kept:
            if turn := _reserved(pool, ranks, one):
                return turn
        for waiter in ranks.heads():
            if uuids := pool.fit(waiter.ask.want):
                return Turn(waiter, uuids)
            pool.block(pool.nearest(waiter.ask.want))
    return None


def keep(pool: Pool, slots: Sequence[Slots]) -> list[Kept]:
    """Return what is kept for each reservation, and what it waits for."""
    with pool.trial():
        return [_keep(pool, one) for one in slots]


def _keep(pool: Pool, one: Slots) -> Kept:
    found = Kept(one)
    for _ in range(one.kept):
        if uuids := pool.fit(one.want):
            # Whoever looks for cards that come free soon is not to look at these.
            pool.reserve(uuids, one.want.part)
            found.places.append(uuids)
        else:
            awaited = pool.nearest(one.want)
            pool.block(awaited)
            found.awaited.extend(awaited)
    return found


def _reserved(pool: Pool, ranks: Ranks, one: Kept) -> Turn | None:
    row, want = one.slots.row, one.slots.want
    waiter = ranks.first(row.flavour, row.group) if one.slots.unused else None
    if waiter is None:
        return None
    if one.places:
        return Turn(waiter, one.places[0], row.id)
    if uuids := pool.fit(want):
        return Turn(waiter, uuids, row.id)
    pool.block(pool.nearest(want))
    return None
