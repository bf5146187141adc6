"""Slots kept for a group: when they hold, how many are kept free now. Pure.

A slot that none of the group uses for the grace goes back to everybody, in the lesson's beginning
as in its middle. While the lesson lasts the group's people stand first in the line for the slots
that none of them uses.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

LEAD = timedelta(minutes=30)
"""So long before its beginning nobody else gets a slot: servers that run are not stopped for it."""


class Repeat(StrEnum):
    """How often a reservation returns."""

    ONCE = ""
    DAILY = "daily"
    WEEKLY = "weekly"

    @property
    def days(self) -> int:
        """Days from one occurrence to the next; 0: there is no next."""
        return {Repeat.ONCE: 0, Repeat.DAILY: 1, Repeat.WEEKLY: 7}[self]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One span of time in which a reservation holds: `starts_at` ≤ t < `ends_at`."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Reservation:
    """`slots` starts of a flavour kept for a group, once or again and again."""

    id: int
    group: str
    flavour: str
    slots: int
    starts_at: datetime
    ends_at: datetime
    """The end of the first occurrence."""
    title: str = ""
    repeat: Repeat = Repeat.ONCE
    repeat_until: datetime | None = None
    """No occurrence begins then or later."""
    zone: str = "UTC"
    """The time zone whose clock the repeats follow: ten o'clock stays ten o'clock."""
    grace: timedelta = timedelta(minutes=15)

    @property
    def called(self) -> str:
        """What people call it: its title, else its group."""
        return self.title or self.group


def occurrences(row: Reservation, *, after: datetime, before: datetime) -> Iterator[Occurrence]:
    """Yield the occurrences that end after `after` and begin before `before`, in their order."""
    number = _number_near(row, after)
    while True:
        one = _occurrence(row, number)
        if one.starts_at >= before or not _is_meant(row, one, number):
            return
        if one.ends_at > after:
            yield one
        number += 1


def holding(row: Reservation, now: datetime) -> Occurrence | None:
    """Return the occurrence that holds now, or is about to: its `LEAD` has begun."""
    return next(occurrences(row, after=now, before=now + LEAD + timedelta.resolution), None)


def unused(row: Reservation, live: int) -> int:
    """Return how many slots nobody of the group uses, when `live` claims are of the reservation."""
    return max(0, row.slots - live)


def kept(
    row: Reservation, one: Occurrence, *, now: datetime, live: int, released: Iterable[datetime]
) -> int:
    """Return how many slots are kept free for the group now.

    Args:
        row: the reservation.
        one: its occurrence that holds.
        now: the time.
        live: how many claims are of the reservation.
        released: when claims of it ended.
    """
    if now < one.starts_at + row.grace:
        return unused(row, live)
    lately = sum(1 for at in released if one.starts_at <= at and now - at < row.grace)
    return min(unused(row, live), lately)


def _number_near(row: Reservation, moment: datetime) -> int:
    """Return the number of an occurrence that is not after the one of `moment`."""
    if not row.repeat.days:
        return 0
    # An occurrence lasts no longer than a repeat; a day more is for clocks that are set.
    days = (moment - row.starts_at).days - 1
    return max(0, days // row.repeat.days - 1)


def _is_meant(row: Reservation, one: Occurrence, number: int) -> bool:
    if number and not row.repeat.days:
        return False
    return not number or row.repeat_until is None or one.starts_at < row.repeat_until


def _occurrence(row: Reservation, number: int) -> Occurrence:
    starts_at = row.starts_at
    if number:
        # Times with a zone of ZoneInfo are added to by the clock on the wall.
        days = timedelta(days=number * row.repeat.days)
        starts_at = (row.starts_at.astimezone(ZoneInfo(row.zone)) + days).astimezone(UTC)
    return Occurrence(starts_at=starts_at, ends_at=starts_at + (row.ends_at - row.starts_at))
