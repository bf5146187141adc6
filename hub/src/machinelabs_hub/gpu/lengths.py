"""How long servers with a GPU lasted lately, by flavour: what estimates are made of."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import ClaimRow

LATELY = timedelta(days=30)
MOST = 200
"""So many of the latest servers of a flavour are looked at."""

READ_AGAIN = timedelta(minutes=1)


class Lengths:
    """Seconds from the grant to the end, sorted, of servers that were ready."""

    def __init__(self, sessions: SessionMaker) -> None:
        self._sessions = sessions
        self._found: dict[str, tuple[datetime, Sequence[float]]] = {}

    def of(self, flavour: str, now: datetime) -> Sequence[float]:
        """Return how long servers of a flavour held their devices, the shortest first."""
        known = self._found.get(flavour)
        if known is None or not timedelta() <= now - known[0] < READ_AGAIN:
            known = self._found[flavour] = now, self._read(flavour, now)
        return known[1]

    def _read(self, flavour: str, now: datetime) -> Sequence[float]:
        lasted = (
            select(ClaimRow.granted_at, ClaimRow.ended_at)
            .where(
                ClaimRow.flavour == flavour,
                ClaimRow.ready_at.is_not(None),
                ClaimRow.ended_at > now - LATELY,
            )
            .order_by(ClaimRow.ended_at.desc())
            .limit(MOST)
        )
        with self._sessions() as db:
            rows = db.execute(lasted).all()
        return sorted((end - begin).total_seconds() for begin, end in rows if end is not None)
