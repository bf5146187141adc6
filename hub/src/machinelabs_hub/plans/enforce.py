"""Hold people to the hours of their plans while their servers run. Pure.

At four fifths of the hours they are told once; ten minutes before the end they are told when it
comes; at the end their servers are stopped, after what is open was saved.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from machinelabs_hub.gpu_settings import UsedUp
from machinelabs_hub.plans.budget import Budget
from machinelabs_hub.plans.model import Kind, Notice, Session
from machinelabs_hub.plans.policy import hours, used_up
from machinelabs_hub.plans.windows import month_of

WARN_SHARE: Final = 0.8
WARN_BEFORE: Final = timedelta(minutes=10)
MOVED: Final = timedelta(seconds=20)
"""By so much an end may move before people are told anew."""

HOURS: Final = "hours"


@dataclass(frozen=True, slots=True)
class Stop:
    """A server whose hours are used up."""

    session: Session
    notice: Notice
    to_cpu: bool
    """Whether it is started again on a CPU."""
    sentence: str
    """What its person reads on the start page."""


@dataclass(slots=True)
class Orders:
    """What is to be done for one person's servers."""

    put: list[Notice] = field(default_factory=list)
    end: list[Notice] = field(default_factory=list)
    stop: list[Stop] = field(default_factory=list)


def enforce(
    budget: Budget, told: Iterable[Notice], *, when_used_up: UsedUp, now: datetime
) -> Orders:
    """Decide for one person.

    Args:
        budget: the person's; `live` are the servers that run.
        told: the notices about hours that hold for their servers.
        when_used_up: what the site does then.
        now: the present.
    """
    orders, notices = Orders(), list(told)
    for kind in Kind:
        sessions = [one for one in budget.live if one.kind is kind]
        if not sessions:
            continue
        ends_at = _ends_soon(budget, kind, now)
        for one in sessions:
            theirs = [row for row in notices if row.server == one.server and row.stops_at]
            if ends_at is None:
                orders.end += theirs
                continue
            # Without hours for it there is nothing to start anew.
            to_cpu = (
                kind is Kind.GPU and when_used_up is UsedUp.CPU and budget.left(Kind.CPU, now) != 0
            )
            notice = _timed(theirs, ends_at, now) or Notice(
                id=_id(one, ends_at.isoformat()),
                user=one.user,
                server=one.server,
                kind=HOURS,
                sentence=_soon(budget, kind, to_cpu=to_cpu),
                at=now,
                stops_at=ends_at,
            )
            if notice not in theirs:
                orders.put.append(notice)
            if ends_at <= now:
                sentence = f"Your server was saved and stopped. {used_up(budget, kind, now)}"
                orders.stop.append(Stop(one, notice, to_cpu, sentence))
        if ends_at is None and budget.share_used(kind, now) >= WARN_SHARE:
            orders.put += _early(budget, sessions, notices, kind, now)
    running = {one.server for one in budget.live}
    orders.end += [row for row in notices if row.server not in running]
    return orders


def _ends_soon(budget: Budget, kind: Kind, now: datetime) -> datetime | None:
    """Return when hours end if that is soon. The exact end costs more to find than a bound."""
    left, rate = budget.left(kind, now), budget.rate(kind)
    if left is None or left > rate * WARN_BEFORE.total_seconds():
        return None
    ends_at = budget.ends_at(kind, now)
    return ends_at if ends_at and ends_at - now <= WARN_BEFORE else None


def _timed(theirs: list[Notice], ends_at: datetime, now: datetime) -> Notice | None:
    """Return the notice that told of the end, with its moment if that moved."""
    for old in theirs:
        if old.stops_at and (abs(ends_at - old.stops_at) <= MOVED or ends_at <= now):
            return old
        return replace(old, stops_at=ends_at)
    return None


def _soon(budget: Budget, kind: Kind, *, to_cpu: bool) -> str:
    after = "this server starts again without a GPU" if to_cpu else "this server stops"
    return (
        f"The {kind.words} of your plan, “{budget.plan.title}”, end soon. What is open is saved "
        f"then, and {after}."
    )


def _early(
    budget: Budget, sessions: list[Session], told: list[Notice], kind: Kind, now: datetime
) -> Iterator[Notice]:
    given, left = budget.allowance(now).of(kind) or 0.0, budget.left(kind, now) or 0.0
    used = f"{budget.share_used(kind, now):.0%}"
    known = {row.id for row in told}
    for one in sessions:
        # One that was told once is not told again, not even by a hub that was begun anew.
        key = _id(one, month_of(now))
        if key not in known:
            yield Notice(
                id=key,
                user=one.user,
                server=one.server,
                kind=HOURS,
                sentence=f"You have used {used} of the {hours(given)} {kind.words} of "
                f"your plan, “{budget.plan.title}”. {hours(left)} are left.",
                at=now,
            )


def _id(session: Session, what: str) -> str:
    return hashlib.sha256(f"{session.id} {what}".encode()).hexdigest()[:32]
