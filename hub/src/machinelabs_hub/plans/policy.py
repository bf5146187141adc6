"""Who has which plan, and what a plan lets a person start. Pure functions."""

from collections.abc import Collection
from datetime import datetime
from fractions import Fraction
from typing import Final

from machinelabs_hub.catalog.model import Flavour, Gpu
from machinelabs_hub.errors import NotAllowed
from machinelabs_hub.gpu_settings import Plan, Plans
from machinelabs_hub.plans.budget import Budget
from machinelabs_hub.plans.model import HOUR, Kind
from machinelabs_hub.plans.windows import month_window

ALL: Final = "*"


class FlavourNotInPlan(NotAllowed):
    """The person's plan does not have this size."""

    code = "flavour_not_in_plan"


class HoursUsedUp(NotAllowed):
    """The hours of the person's plan are used up."""

    code = "hours_used_up"


class TooManyServers(NotAllowed):
    """As many servers run as the person's plan allows at once."""

    code = "too_many_servers"


def plan_of(plans: Plans, *, groups: Collection[str], is_admin: bool) -> Plan:
    """Return a person's plan: of several that groups carry, the last one of the table."""
    carried = {row.plan for row in plans.groups if row.group in groups}
    names = {plans.admins} if is_admin else carried or {plans.default}
    return [plan for plan in plans.table if plan.name in names][-1]


def allows(plan: Plan, flavour: str) -> bool:
    """Tell whether a plan has a size."""
    return ALL in plan.flavours or flavour in plan.flavours


def has_end(plan: Plan, kind: Kind) -> bool:
    """Tell whether a kind of hours of a plan can run out."""
    return (plan.gpu_hours if kind is Kind.GPU else plan.cpu_hours) is not None


def cards_of(gpu: Gpu | None) -> Fraction:
    """Return how many cards a size is charged for: a MIG instance by its part of the card."""
    if gpu is None:
        return Fraction(0)
    return Fraction(gpu.count, gpu.share) * _part(gpu.profile)


def _part(profile: str) -> Fraction:
    """Return which part of a card a MIG profile such as `1g.10gb` is."""
    slices, _, memory = profile.partition("g.")
    if not slices.isdecimal():
        return Fraction(1)
    # Cards have seven slices; the one kind that has four (A30) gives each 6 GB.
    of = 4 if memory.startswith(f"{6 * int(slices)}gb") else 7
    return Fraction(min(int(slices), of), of)


def check_start(budget: Budget, flavour: Flavour, *, servers: int | None, now: datetime) -> None:
    """Raise what says why a person may not start this size now, and what to do instead.

    Args:
        budget: the person's.
        flavour: the size.
        servers: how many other servers of the person run or start; None: a run is to be started,
            which the labs service counts: its tickets say whose turn it is.
        now: the present.

    Raises:
        FlavourNotInPlan: the plan does not have the size.
        TooManyServers: as many run as the plan allows, or it allows none.
        HoursUsedUp: nothing is left of the hours that the size uses.
    """
    plan = budget.plan
    if not allows(plan, flavour.name):
        raise FlavourNotInPlan(
            f"“{flavour.title}” is not part of your plan, “{plan.title}”. Choose another size, or "
            "ask an admin of this site."
        )
    _check_count(plan, servers)
    kind = Kind.GPU if cards_of(flavour.gpu) else Kind.CPU
    if budget.left(kind, now) == 0:
        raise HoursUsedUp(used_up(budget, kind, now))


def _check_count(plan: Plan, servers: int | None) -> None:
    most, what = (plan.runs, "run") if servers is None else (plan.servers, "server")
    if not most:
        raise TooManyServers(
            f"Your plan, “{plan.title}”, allows no {what}s. Ask an admin of this site."
        )
    if servers is not None and servers >= most:
        many = f"{most} server{'' if most == 1 else 's'}"
        raise TooManyServers(
            f"Your plan, “{plan.title}”, allows {many} at once, and {servers} "
            f"{'is' if servers == 1 else 'are'} running. Stop one first."
        )


def used_up(budget: Budget, kind: Kind, now: datetime) -> str:
    """Return the sentence that says that a kind of hours is used up, and what to do."""
    given = budget.allowance(now).of(kind) or 0.0
    plan = budget.plan
    if not given:
        return (
            f"Your plan, “{plan.title}”, has no {kind.words}. "
            f"{_ask(kind)} an admin of "
            "this site for some."
        )
    return (
        f"You have used the {hours(given)} {kind.words} of your plan, “{plan.title}”. "
        f"{comes_back(plan, now)} "
        f"{_ask(kind)} an admin of this "
        "site for more."
    )


def _ask(kind: Kind) -> str:
    return "Choose a size without a GPU, or ask" if kind is Kind.GPU else "Ask"


def comes_back(plan: Plan, now: datetime) -> str:
    """Return the sentence that says when hours count anew."""
    if plan.rolling_days:
        days = f"{plan.rolling_days} days" if plan.rolling_days > 1 else "24 hours"
        return f"What you use counts for {days}, then it comes back."
    ends = month_window(now).ends
    return f"They begin anew on {ends.day} {ends:%B} (UTC)."


def hours(seconds: float) -> str:
    """Return an amount of time for a sentence: `20`, `0.5`, `12.3`."""
    return f"{seconds / HOUR:.1f}".removesuffix(".0")
