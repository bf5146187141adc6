"""Count cards, claims, waits and charged seconds. Reads only; one transaction.

Counters are counted in the tables each time, whose rows stay: so they go on where they were after
a restart of anything, and only grow.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import CardRow, ClaimRow, WaitRow
from machinelabs_hub.db.tables.usage import UsageRow
from machinelabs_hub.gpu.model import Health
from machinelabs_hub.labs.models.metrics import Family, Labels, Spread

_ENDS: Final = ("stopped", "idle", "unopened", "hours", "failed", "gone", "not_started")

WAIT_SECONDS: Final = (
    *(1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800),
    *(3600, 7200, 14_400, 28_800, 86_400),
)
"""Bounds of the histogram of waits: from a moment to a day."""


class MetricTable:
    """What the Hub wrote, in figures."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def has_cards(self) -> bool:
        """Return whether the Hub ever saw a card of the site's that it still knows."""
        with self._sessions() as db:
            return db.scalar(select(CardRow.uuid).limit(1)) is not None

    def families(self, now: datetime) -> tuple[Family, ...]:
        """Return all figures as they are now."""
        with self._sessions() as db:
            cards = _counts(db, CardRow.health)
            live = _counts(db, ClaimRow.flavour, ClaimRow.ended_at.is_(None))
            ended = _counts(db, ClaimRow.why, ClaimRow.ended_at.is_not(None))
            waits = _counts(db, WaitRow.flavour)
            first = db.scalar(select(func.min(WaitRow.since)))
            waited = _waited(db)
            cpu, gpu = db.execute(
                select(_total(UsageRow.cpu_seconds), _total(UsageRow.gpu_seconds))
            ).one()
        return (
            Family(
                "machinelabs_gpu_cards",
                "gauge",
                "Cards and MIG instances of the site by health.",
                {(("health", one.value),): cards.get(one.value, 0) for one in Health},
            ),
            Family(
                "machinelabs_gpu_claims",
                "gauge",
                "Servers that hold a GPU or a share of one, by flavour.",
                {(("flavour", flavour),): number for flavour, number in live.items()},
            ),
            Family(
                "machinelabs_gpu_claims_ended_total",
                "counter",
                "Servers that held a GPU, by what ended them; idle and unopened were reclaimed.",
                {(("why", why),): ended.get(why, 0) for why in {*_ENDS, *ended}},
            ),
            Family(
                "machinelabs_gpu_waiting",
                "gauge",
                "Starts that wait in line for a GPU, by flavour.",
                {(("flavour", flavour),): number for flavour, number in waits.items()},
            ),
            Family(
                "machinelabs_gpu_longest_wait_seconds",
                "gauge",
                "For how long whoever came first has waited; 0: nobody waits.",
                {(): max(0.0, (now - first).total_seconds()) if first else 0.0},
            ),
            Family(
                "machinelabs_gpu_wait_seconds",
                "histogram",
                "How long starts stood in line until they were granted a GPU, by flavour.",
                waited,
            ),
            Family(
                "machinelabs_charged_seconds_total",
                "counter",
                "Seconds charged: gpu by share of a card, cpu of servers without one.",
                {(("kind", "cpu"),): int(cpu) / 1000, (("kind", "gpu"),): int(gpu) / 1000},
            ),
        )


def _counts(
    db: Session, key: InstrumentedAttribute[str], *where: ColumnElement[bool]
) -> dict[str, int]:
    """Return how many rows there are of each value of a column."""
    wanted = select(key, func.count()).where(*where).group_by(key)
    return {row[0]: row[1] for row in db.execute(wanted)}


def _waited(db: Session) -> dict[Labels, Spread]:
    """Return how long the starts of each flavour waited."""
    waited = ClaimRow.waited_seconds
    within = [func.sum(case((waited <= bound, 1), else_=0)) for bound in WAIT_SECONDS]
    wanted = select(ClaimRow.flavour, func.count(), _total(waited), *within)
    rows = db.execute(wanted.where(waited.is_not(None)).group_by(ClaimRow.flavour))
    return {
        (("flavour", flavour),): Spread(
            at_most={bound: int(number) for bound, number in zip(WAIT_SECONDS, below, strict=True)},
            count=count,
            sum=int(total) / 1000,
        )
        for flavour, count, total, *below in rows
    }


def _total(seconds: InstrumentedAttribute[float] | InstrumentedAttribute[float | None]) -> Any:
    """Return the sum of a column as whole milliseconds.

    A sum of fractions depends on the order of the rows; by a hair less than before, Prometheus
    would take a counter for one that began anew.
    """
    return func.coalesce(func.sum(cast(seconds * 1000, BigInteger)), 0)
