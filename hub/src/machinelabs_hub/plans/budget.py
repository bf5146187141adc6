"""How much of a plan's hours was used, what is left, and when they run out. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from machinelabs_hub.gpu_settings import Plan
from machinelabs_hub.plans.model import HOUR, Allowance, Grant, Hours, Kind, Session, Use
from machinelabs_hub.plans.windows import month_of, month_window, used_in, window_at

MONTHS_AHEAD = 3
"""Whoever's hours last longer than so many windows is not told when they end."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One person's plan and all that counts against it, at any moment.

    `uses` holds what was charged in the last windows; `live` are the sessions that go on.
    """

    plan: Plan
    uses: tuple[Use, ...] = ()
    grants: tuple[Grant, ...] = ()
    live: tuple[Session, ...] = ()

    def allowance(self, at: datetime) -> Allowance:
        """Return what the plan and the grants of this month give. No end stays no end."""
        month = month_of(at)
        extra = [grant for grant in self.grants if grant.month == month]
        return Allowance(
            cpu_seconds=_given(self.plan.cpu_hours, (row.cpu_hours for row in extra)),
            gpu_seconds=_given(self.plan.gpu_hours, (row.gpu_hours for row in extra)),
        )

    def used(self, at: datetime) -> Hours:
        """Return what was charged in the window that counts at the moment `at`."""
        window = window_at(at, self.plan.rolling_days)
        return sum((used_in(use, window) for use in self.uses), Hours())

    def left(self, kind: Kind, at: datetime) -> float | None:
        """Return the seconds that are left, 0 at the least; None: there is no end."""
        given = self.allowance(at).of(kind)
        return None if given is None else max(0.0, given - self.used(at).of(kind))

    def share_used(self, kind: Kind, at: datetime) -> float:
        """Return which part of the allowance is used; of one without an end: none."""
        given = self.allowance(at).of(kind)
        if given is None:
            return 0.0
        return self.used(at).of(kind) / given if given else 1.0

    def rate(self, kind: Kind) -> float:
        """Return how many seconds a second the live sessions use."""
        return sum(row.charge(1).of(kind) for row in self.live if row.kind is kind)

    def ends_at(self, kind: Kind, now: datetime) -> datetime | None:
        """Return when the hours run out if the live sessions go on; None: not foreseeable.

        Use is a line between the moments at which something passes out of the window, so the
        first of these lines that crosses what is given tells.
        """
        if self.allowance(now).of(kind) is None:
            return None
        if self.left(kind, now) == 0:
            return now
        rate = self.rate(kind)
        if not rate:
            return None
        begin = now
        for end in self._turns(now):
            at = self._crossing(kind, now=now, begin=begin, end=end, rate=rate)
            if at is not None:
                return at
            begin = end
        return None

    def _crossing(
        self, kind: Kind, *, now: datetime, begin: datetime, end: datetime, rate: float
    ) -> datetime | None:
        given = self.allowance(begin).of(kind) or 0.0
        first = self._foreseen(kind, begin, now=now, rate=rate)
        # Just before the end: at a month's end itself the next month counts.
        last = self._foreseen(kind, end - timedelta(microseconds=1), now=now, rate=rate)
        if first >= given:
            return begin
        if last < given:
            return None
        part = (given - first) / (last - first)
        return begin + (end - begin) * part

    def _foreseen(self, kind: Kind, at: datetime, *, now: datetime, rate: float) -> float:
        begins = window_at(at, self.plan.rolling_days).begins
        coming = (at - max(now, begins)).total_seconds() * rate
        return self.used(at).of(kind) + max(0.0, coming)

    def _turns(self, now: datetime) -> Sequence[datetime]:
        """Return the moments after `now`, in order, between which use is a line."""
        if not self.plan.rolling_days:
            ends = [month_window(now).ends]
            while len(ends) < MONTHS_AHEAD:
                ends.append(month_window(ends[-1]).ends)
            return ends
        days = timedelta(days=self.plan.rolling_days)
        turns = {now + days, month_window(now).ends}
        for use in self.uses:
            turns |= {use.since + days, use.until + days}
        return sorted(turn for turn in turns if turn > now)


def _given(hours: float | None, extra: Iterable[float]) -> float | None:
    return None if hours is None else (hours + sum(extra)) * HOUR
