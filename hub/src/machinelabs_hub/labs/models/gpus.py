"""The site's cards and the line for them as admins see them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from machinelabs_hub.db.tables.gpus import CardRow
from machinelabs_hub.gpu.holders import Held
from machinelabs_hub.gpu.sample import CardPoint, CardSample


@dataclass(frozen=True, slots=True)
class GpuUse:
    """What a run does on all of its devices together. None: the driver does not tell.

    Attributes:
        percent: of what they can compute: their mean.
        memory_mib: what it holds of their memory: the sum.
    """

    percent: int | None
    memory_mib: int | None


@dataclass(frozen=True, slots=True)
class Drain:
    """An admin's order to keep a device back; an instance may be kept back with its card."""

    uuid: str
    why: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A device: what the Hub wrote of it, what was ordered, what the sampler measures."""

    row: CardRow
    holders: tuple[Held, ...]
    drain: Drain | None
    returned_at: datetime | None
    """When an admin said that it is well, after it failed."""
    now: CardSample | None
    """None: it is not measured, or the sampler is away."""
    past: tuple[CardPoint, ...]
    """The last hour, the oldest first."""

    @property
    def idle_since(self) -> datetime | None:
        """Since when it computes nothing for its holders; None: it does, or who knows."""
        held_since = min((holder.since for holder in self.holders), default=None)
        return idle_since(self.past, held_since) if held_since else None


@dataclass(frozen=True, slots=True)
class ShownCards:
    """All devices. `trouble` is a sentence where their use cannot be told."""

    cards: tuple[ShownCard, ...]
    trouble: str


@dataclass(frozen=True, slots=True)
class InLine:
    """Somebody who waits for a GPU."""

    user: str
    server: str
    flavour: str
    position: int
    """From 1; 0: it is being reckoned."""
    since: datetime
    expected_at: datetime | None
    why: str


def idle_since(past: Sequence[CardPoint], held_since: datetime) -> datetime | None:
    """Return since when nothing was computed up to the last point; None: it computes, or unknown.

    What was before the first point is not known, and before `held_since` it was somebody else's.
    """
    found = None
    for point in reversed(past):
        if point.sm_percent or point.at < held_since:
            break
        if point.sm_percent is not None:
            found = point.at
    return found


def by_minute(past: Iterable[CardPoint]) -> dict[datetime, float]:
    """Return the mean use of each minute that has any figures."""
    sums: dict[datetime, list[float]] = {}
    for point in past:
        if point.sm_percent is not None:
            minute = point.at.replace(second=0, microsecond=0)
            sums.setdefault(minute, []).append(point.sm_percent)
    return {minute: sum(some) / len(some) for minute, some in sums.items()}
