"""Where somebody stands in the line, why, and when their turn is likely to come. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from machinelabs_hub.gpu.estimate import Ending, likely_end, turn_at, typical
from machinelabs_hub.gpu.model import Claim, Gpu, Health, Waiting, Want
from machinelabs_hub.gpu.policy import suits
from machinelabs_hub.gpu.pool import Pool
from machinelabs_hub.gpu.ranks import Ranks, Waiter
from machinelabs_hub.gpu.turns import Kept, Slots, keep
from machinelabs_hub.gpu.why import Counts, sentence


@dataclass(frozen=True)
class Moment:
    """The site's devices, what is held and kept of them, and how long servers last."""

    devices: Sequence[Gpu]
    claims: Sequence[Claim]
    pool: Pool
    slots: Sequence[Slots]
    lengths: Callable[[str], Sequence[float]]
    """Seconds that servers of a flavour lasted, sorted."""
    now: datetime

    @cached_property
    def whole(self) -> list[Gpu]:
        """The devices that are not split into others, well or not."""
        split = {gpu.parent for gpu in self.devices if gpu.parent}
        return [gpu for gpu in self.devices if gpu.uuid not in split]

    @cached_property
    def kept(self) -> list[Kept]:
        """What is kept for reservations."""
        return keep(self.pool, self.slots)


class Outlook:
    """The line at one moment; it holds until somebody comes, goes or is served."""

    def __init__(self, moment: Moment, ranks: Ranks) -> None:
        self._moment = moment
        self._ranks = ranks
        self._views: dict[str, View] = {}

    def of(self, waiter: Waiter) -> Waiting:
        """Return where somebody stands."""
        view = self._view(waiter)
        before = self._before(waiter, view)
        cards = sum(count * float(want.count * want.part) for want, count in before)
        return Waiting(
            position=1 + sum(count for _, count in before),
            since=waiter.since,
            why=view.why,
            expected_at=view.turn_at(cards),
        )

    def _before(self, waiter: Waiter, view: "View") -> list[tuple[Want, int]]:
        """Return how many are before somebody, by what they want of the same devices."""
        first = [one for slots in self._moment.slots for one in self._first(slots)]
        if waiter in first:
            return [(waiter.ask.want, first.index(waiter))]
        found = []
        for head in self._ranks.heads():
            if not view.uuids & self._view(head).uuids:
                continue
            flavour = head.ask.flavour
            passing = {
                one.key for one in first if one.ask.flavour == flavour and one.key > waiter.key
            }
            found.append((head.ask.want, self._ranks.ahead(flavour, waiter.key) + len(passing)))
        return found

    def _first(self, slots: Slots) -> list[Waiter]:
        """Return those who come before the line: a reservation's people, for its slots."""
        return list(self._ranks.walk(slots.row.flavour, slots.row.group, slots.unused))

    def _view(self, waiter: Waiter) -> "View":
        flavour = waiter.ask.flavour
        if flavour not in self._views:
            self._views[flavour] = View(self._moment, waiter.ask.want)
        return self._views[flavour]


class View:
    """The devices that suit one flavour, at one moment."""

    def __init__(self, moment: Moment, want: Want) -> None:
        self._moment = moment
        self._want = want
        self._suiting = [gpu for gpu in moment.whole if suits(want, gpu)]
        self.uuids = {gpu.uuid for gpu in self._suiting}

    @cached_property
    def why(self) -> str:
        """Why those who want these devices wait."""
        pool, want = self._moment.pool, self._want
        broken = {gpu.uuid for gpu in self._suiting if gpu.health is not Health.OK}
        reserved = [(len(self.uuids & kept.uuids), kept.slots) for kept in self._moment.kept]
        counts = Counts(
            total=len(self._suiting),
            broken=len(broken),
            reserved=tuple(reserved),
            busy=sum(1 for uuid in self._common - broken if pool.left(uuid) < want.part),
            profile=want.profile,
        )
        return sentence(counts, needs=want.count, now=self._moment.now)

    def turn_at(self, cards: float) -> datetime | None:
        """Return when it is the turn of one before whom `cards` go to others."""
        needed = cards + float(self._want.count * self._want.part) - self._free
        if needed <= 0:
            # There is room, and it is kept back: until when depends on whom it is kept for.
            return None
        return turn_at(needed, self._endings, self._usual, self._moment.now)

    @cached_property
    def _common(self) -> set[str]:
        return self.uuids.difference(*(kept.uuids for kept in self._moment.kept))

    @cached_property
    def _free(self) -> float:
        left = (self._moment.pool.left(uuid) for uuid in self._common)
        return float(sum(part for part in left if part >= self._want.part))

    @cached_property
    def _usual(self) -> timedelta | None:
        flavours = {claim.flavour for claim in self._holding}
        lasted = sorted(s for flavour in flavours for s in self._moment.lengths(flavour))
        return typical(lasted)

    @cached_property
    def _holding(self) -> list[Claim]:
        return [claim for claim in self._moment.claims if self._common & set(claim.uuids)]

    @cached_property
    def _endings(self) -> list[Ending]:
        moment, found = self._moment, []
        for claim in self._holding:
            lengths = moment.lengths(claim.flavour)
            if at := likely_end(claim.granted_at, lengths, moment.now):
                found.append(Ending(at, float(claim.cards)))
        return found
