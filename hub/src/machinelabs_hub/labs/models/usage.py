"""What a person used and has left, and extra hours, as pages and API show them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from machinelabs_hub.gpu_settings import Plan
from machinelabs_hub.plans.budget import Budget
from machinelabs_hub.plans.model import Kind, Use, Window
from machinelabs_hub.plans.windows import used_in, window_at

MOST_DAYS: Final = 92
"""No more days are shown, however long a plan's window is."""


@dataclass(frozen=True, slots=True)
class Used:
    """One kind of hours in the window that counts now, in seconds; None: there is no end."""

    kind: Kind
    used: float
    given: float | None
    left: float | None
    ends_at: datetime | None
    """When they run out if what runs goes on; None: that is not foreseeable."""


@dataclass(frozen=True, slots=True)
class Day:
    """What was used on one day (UTC) on servers of one flavour, in seconds."""

    day: date
    flavour: str
    kind: Kind
    seconds: float


@dataclass(frozen=True, slots=True)
class Usage:
    """One person's plan, and what they used of it."""

    plan: Plan
    window: Window
    kinds: tuple[Used, ...]
    days: tuple[Day, ...]
    live: tuple[Use, ...]
    """The servers that go on."""
    extra_cpu_hours: float
    extra_gpu_hours: float


@dataclass(frozen=True, slots=True)
class PersonUse:
    """What somebody used in one month, in seconds, with the extra hours that they have in it."""

    user: str
    cpu_seconds: float
    gpu_seconds: float
    extra_cpu_hours: float
    extra_gpu_hours: float
    is_live: bool


@dataclass(frozen=True, slots=True)
class HourGrant:
    """Extra hours that an admin gave somebody for one month (UTC)."""

    id: int
    user: str
    month: str
    cpu_hours: float
    gpu_hours: float
    reason: str
    by: str
    at: datetime


def usage_of(budget: Budget, now: datetime) -> Usage:
    """Return what to show of a budget. Pure."""
    window = window_at(now, budget.plan.rolling_days)
    used, given = budget.used(now), budget.allowance(now)
    return Usage(
        plan=budget.plan,
        window=window,
        kinds=tuple(
            Used(kind, used.of(kind), given.of(kind), budget.left(kind, now),
                 budget.ends_at(kind, now))
            for kind in (Kind.GPU, Kind.CPU)
        ),
        days=tuple(days(budget.uses, Window(window.begins, now))),
        live=tuple(use for use in budget.uses if use.is_open),
        extra_cpu_hours=sum(grant.cpu_hours for grant in budget.grants),
        extra_gpu_hours=sum(grant.gpu_hours for grant in budget.grants),
    )  # fmt: skip


def days(uses: Collection[Use], window: Window) -> Iterable[Day]:
    """Yield what was used by day and flavour, the earliest day first."""
    begin = window.begins.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = max(begin, window.ends - timedelta(days=MOST_DAYS))
    while begin < window.ends:
        end = begin + timedelta(days=1)
        sums: dict[tuple[str, Kind], float] = {}
        for use in uses:
            kind = use.session.kind
            part = used_in(use, Window(max(begin, window.begins), end)).of(kind)
            if part:
                key = (use.session.flavour, kind)
                sums[key] = sums.get(key, 0.0) + part
        for (flavour, kind), seconds in sorted(sums.items()):
            yield Day(begin.date(), flavour, kind, seconds)
        begin = end
