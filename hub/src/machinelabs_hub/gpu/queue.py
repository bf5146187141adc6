"""The line for GPUs: people stand in it until it is their turn, over restarts of the Hub too."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final, Protocol

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.errors import Conflict
from machinelabs_hub.gpu.bookings import Bookings
from machinelabs_hub.gpu.fairness import MEMORY, Used, late_by, recent_seconds
from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.lengths import Lengths
from machinelabs_hub.gpu.model import Ask, Claim, Gpu, Holder, Waiting, Want
from machinelabs_hub.gpu.outlook import Moment, Outlook
from machinelabs_hub.gpu.pleas import KIND, pleas
from machinelabs_hub.gpu.policy import exists
from machinelabs_hub.gpu.pool import Pool
from machinelabs_hub.gpu.ranks import Ranks, Waiter
from machinelabs_hub.gpu.turns import Slots, Turn, keep, next_turn
from machinelabs_hub.gpu.waits import Stored, WaitTable
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.plans.usage import UsageTable

TICK_SECONDS: Final = 0.5
"""How often the line looks at the clock: reservations begin and end by it."""

COMEBACK: Final = timedelta(seconds=15)
"""So long after its start the Hub serves nobody before those who stood in an earlier one's line."""

LOST: Final = timedelta(minutes=1)
"""Whoever has not asked again by then has lost the place."""

TOLD: Final = 100
"""Of so many who are first in line the places are stored, for pages that others make."""

log = logging.getLogger("machinelabs.gpu")


class NoSuchGpu(Conflict):
    """The site has no device that would ever serve this."""

    code = "no_such_gpu"

    def __init__(self, flavour: str) -> None:
        super().__init__(
            f"This site has no GPU that fits the size “{flavour}”. Choose another size, or ask "
            "the people who run this site."
        )


class Devices(Protocol):
    """What the line needs of the inventory."""

    def devices(self) -> tuple[Gpu, ...]:
        """Return all devices of the site, well or not."""
        ...


class Line:
    """Grants devices to those who ask, in the order of `turns`; who cannot be served waits."""

    def __init__(
        self,
        *,
        inventory: Devices,
        ledger: Ledger,
        sessions: SessionMaker,
        wants: Mapping[str, Want],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._inventory = inventory
        self._ledger = ledger
        self._clock = clock
        self._waits = WaitTable(sessions)
        self._usage = UsageTable(sessions=sessions)
        self._bookings = Bookings(sessions=sessions, wants=wants)
        self._lengths = Lengths(sessions)
        self._stored = {stored.holder: stored for stored in self._waits.all()}
        self._notices = NoticeTable(sessions=sessions)
        self._pleas = {one.id: one for one in self._notices.live() if one.kind == KIND}
        self._ranks = Ranks()
        self._turns: dict[Holder, asyncio.Future[Claim]] = {}
        self._devices: tuple[Gpu, ...] = ()
        self._pool = Pool(())
        self._counted: dict[str, Claim] = {}
        self._slots: tuple[Slots, ...] = ()
        self._outlook: Outlook | None = None
        self._told: dict[Holder, Waiting] = {}
        self._began = clock()
        self._is_closing = False

    # For those who wait.

    async def take(self, ask: Ask) -> Claim:
        """Wait for the turn of a start and return its claim.

        Whoever is cancelled leaves the line. A server stands in it once: a second ask for it takes
        the place of the first.

        Raises:
            NoSuchGpu: no device of the site would ever do.
        """
        if not exists(ask.want, self._inventory.devices()):
            self._forget(ask.holder)
            raise NoSuchGpu(ask.flavour)
        turn: asyncio.Future[Claim] = asyncio.get_running_loop().create_future()
        if (before := self._turns.get(ask.holder)) is not None:
            before.cancel()
        self._turns[ask.holder] = turn
        waiter = self._place(ask)
        self._ranks.add(waiter)
        self._serve()
        if not turn.done():
            self._waits.keep(waiter)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # It was granted in the moment in which nobody waited for it any more.
                self._ledger.end(turn.result().id, "not_started", self._clock())
                self._serve()
            raise
        finally:
            if self._turns.get(ask.holder) is turn:
                self._leave(ask.holder)

    def place(self, holder: Holder) -> Waiting | None:
        """Return where a server stands in the line; None: it does not wait."""
        waiter = self._ranks.get(holder)
        return self._view().of(waiter) if waiter else None

    @property
    def has_people(self) -> bool:
        """Whether somebody stands in it."""
        return bool(len(self._ranks))

    def lost(self) -> tuple[Stored, ...]:
        """Return those who waited when an earlier Hub ended and have not asked again."""
        return tuple(self._stored.values())

    def forget(self, holder: Holder) -> None:
        """Give up the place of one who waited in an earlier Hub."""
        if holder in self._stored:
            self._forget(holder)

    # For those who free something.

    def wake(self) -> None:
        """Look whose turn it is: something is free, or somebody changed the reservations."""
        self._serve()

    async def run(self) -> None:
        """Look at the clock, for ever."""
        self._is_closing = False
        try:
            while True:
                self._give_up_lost()
                self._serve()
                self._tell()
                self._plead()
                await asyncio.sleep(TICK_SECONDS)
        finally:
            # The Hub ends, and so do all starts; those who wait are to wait on in the next one.
            self._is_closing = True

    # Places.

    def _place(self, ask: Ask) -> Waiter:
        stored = self._stored.pop(ask.holder, None)
        if stored is not None and stored.flavour == ask.flavour:
            return Waiter(ask, stored.since, stored.late)
        now = self._clock()
        used = self._usage.of(ask.holder.user, now - MEMORY)
        recent = recent_seconds(
            (Used(use.since, use.until, use.hours.gpu_seconds) for use in used), now
        )
        return Waiter(
            ask, now, late_by(recent, holds=self._cards_of(ask.holder), weight=ask.weight)
        )

    def _cards_of(self, holder: Holder) -> Fraction:
        """Return how many cards a person's other servers hold or wait for."""
        held = [one.cards for one in self._ledger.live() if one.holder.user == holder.user]
        waits = [
            one.ask.want.count * one.ask.want.part
            for one in self._ranks
            if one.ask.holder.user == holder.user and one.ask.holder != holder
        ]
        return sum([*held, *waits], Fraction(0))

    def _leave(self, holder: Holder) -> None:
        del self._turns[holder]
        if self._ranks.remove(holder):
            self._outlook = None
        self._told.pop(holder, None)
        if not self._is_closing:
            self._waits.drop(holder)
            # What was kept for whoever left is for the others.
            self._serve()

    def _forget(self, holder: Holder) -> None:
        self._stored.pop(holder, None)
        self._waits.drop(holder)

    # Turns.

    def _serve(self) -> None:
        self._outlook = None
        self._count()
        while self._may_grant() and (turn := next_turn(self._pool, self._ranks, self._slots)):
            self._grant(turn)

    def _may_grant(self) -> bool:
        is_early = bool(self._stored) and self._clock() - self._began < COMEBACK
        return not (self._is_closing or is_early)

    def _give_up_lost(self) -> None:
        if self._stored and self._clock() - self._began >= LOST:
            for holder in list(self._stored):
                self._forget(holder)

    def _count(self) -> None:
        """Bring the pool up to the inventory and the ledger, and the reservations to the clock."""
        now, live = self._clock(), {claim.id: claim for claim in self._ledger.live()}
        devices = self._inventory.devices()
        for key in self._counted.keys() - live.keys():
            self._bookings.note_ended(self._counted[key], now)
        if devices != self._devices:
            self._devices, self._pool = devices, Pool(devices, live.values())
        else:
            for key in self._counted.keys() - live.keys():
                self._pool.give(self._counted[key].uuids, _part(self._counted[key]))
            for key in live.keys() - self._counted.keys():
                self._pool.take(live[key].uuids, _part(live[key]))
        self._counted = live
        self._slots = self._bookings.slots(live.values(), now)

    def _grant(self, turn: Turn) -> None:
        ask = turn.waiter.ask
        self._ranks.remove(ask.holder)
        waiting = self._turns[ask.holder]
        if waiting.done():
            return
        try:
            claim = self._ledger.grant(
                ask.holder,
                ask.flavour,
                turn.uuids,
                ask.want.share,
                self._clock(),
                since=turn.waiter.since,
                reservation=turn.reservation,
            )
        except Conflict as error:
            waiting.set_exception(error)
            return
        waiting.set_result(claim)
        self._count()

    def _view(self) -> Outlook:
        if self._outlook is None:
            now = self._clock()
            moment = Moment(
                devices=self._devices,
                claims=tuple(self._counted.values()),
                pool=self._pool,
                slots=self._slots,
                lengths=lambda flavour: self._lengths.of(flavour, now),
                now=now,
            )
            self._outlook = Outlook(moment, self._ranks)
        return self._outlook

    def _tell(self) -> None:
        """Store what changed of the places of those who are first."""
        if not len(self._ranks):
            return
        first = sorted(self._ranks, key=lambda waiter: waiter.key)[:TOLD]
        places = {waiter.ask.holder: self._view().of(waiter) for waiter in first}
        self._waits.tell(
            {holder: place for holder, place in places.items() if self._told.get(holder) != place}
        )
        self._told = places

    def _plead(self) -> None:
        """Tell those who hold what reservations wait for, and nobody any more who does not."""
        if not self._slots and not self._pleas:
            return
        now = self._clock()
        found = pleas(
            keep(self._pool, self._slots),
            devices=self._devices,
            claims=tuple(self._counted.values()),
            now=now,
        )
        for key in found.keys() - self._pleas.keys():
            self._notices.put(found[key])
        for key in self._pleas.keys() - found.keys():
            self._notices.end(self._pleas[key], now)
        self._pleas = found


def _part(claim: Claim) -> Fraction:
    return Fraction(1, claim.share)
