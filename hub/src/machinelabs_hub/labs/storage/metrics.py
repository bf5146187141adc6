"""Count cards, claims, waits and charged seconds. Reads only; one transaction."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import CardRow, ClaimRow, WaitRow
from machinelabs_hub.db.tables.usage import UsageRow
from machinelabs_hub.gpu.model import Health
from machinelabs_hub.labs.models.metrics import Family

_ENDS: Final = ("stopped", "idle", "unopened", "hours", "failed", "gone", "not_started")


class MetricTable:
    """What the Hub wrote, in figures."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def families(self, now: datetime) -> tuple[Family, ...]:
        """Return all figures as they are now."""
        with self._sessions() as db:
            cards = _counts(db, CardRow.health)
            live = _counts(db, ClaimRow.flavour, ClaimRow.ended_at.is_(None))
            ended = _counts(db, ClaimRow.why, ClaimRow.ended_at.is_not(None))
            waits = _counts(db, WaitRow.flavour)
            first = db.scalar(select(func.min(WaitRow.since)))
            cpu, gpu = db.execute(
                select(func.sum(UsageRow.cpu_seconds), func.sum(UsageRow.gpu_seconds))
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
                "machinelabs_charged_seconds_total",
                "counter",
                "Seconds charged: gpu by share of a card, cpu of servers without one.",
                {(("kind", "cpu"),): cpu or 0.0, (("kind", "gpu"),): gpu or 0.0},
            ),
        )


def _counts(
    db: Session, key: InstrumentedAttribute[str], *where: ColumnElement[bool]
) -> dict[str, int]:
    """Return how many rows there are of each value of a column."""
    wanted = select(key, func.count()).where(*where).group_by(key)
    return {row[0]: row[1] for row in db.execute(wanted)}
