"""Extra hours, *Keep it* and confirmations: what people order of the Hub. One transaction each."""

from datetime import datetime

from sqlalchemy import func, select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.orders import ConfirmationRow, HourGrantRow, KeepRow
from machinelabs_hub.labs.models.usage import HourGrant


class HourTable:
    """Rows that the labs service writes and the Hub obeys."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def grant(self, grant: HourGrant) -> HourGrant:
        """Store extra hours; its id is given here."""
        with self._sessions() as db:
            row = HourGrantRow(
                user=grant.user,
                month=grant.month,
                cpu_hours=grant.cpu_hours,
                gpu_hours=grant.gpu_hours,
                reason=grant.reason,
                by=grant.by,
                at=grant.at,
            )
            db.add(row)
            db.flush()
            return _grant(row)

    def grants(
        self, *, month: str = "", user: str = "", before: int | None = None, limit: int = 1000
    ) -> tuple[HourGrant, ...]:
        """Return extra hours, the last given first; what is empty narrows nothing."""
        wanted = select(HourGrantRow).order_by(HourGrantRow.id.desc()).limit(limit)
        if month:
            wanted = wanted.where(HourGrantRow.month == month)
        if user:
            wanted = wanted.where(HourGrantRow.user == user)
        if before is not None:
            wanted = wanted.where(HourGrantRow.id < before)
        with self._sessions() as db:
            return tuple(_grant(row) for row in db.scalars(wanted))

    def stored_bytes(self, owner: str) -> int:
        """Return how much the newest revisions of somebody's labs hold, without the trash."""
        wanted = select(func.sum(LabRow.size_bytes)).where(
            LabRow.owner == owner, LabRow.trashed_at.is_(None)
        )
        with self._sessions() as db:
            return db.scalar(wanted) or 0

    def keep(self, user: str, server: str, at: datetime) -> None:
        """Note that somebody needs a server now."""
        with self._sessions() as db:
            db.merge(KeepRow(user=user, server=server, at=at))

    def confirm(self, user: str, server: str, notice: str, at: datetime) -> None:
        """Note that a server has saved what is open."""
        with self._sessions() as db:
            db.merge(ConfirmationRow(user=user, server=server, notice=notice, at=at))


def _grant(row: HourGrantRow) -> HourGrant:
    return HourGrant(
        id=row.id,
        user=row.user,
        month=row.month,
        cpu_hours=row.cpu_hours,
        gpu_hours=row.gpu_hours,
        reason=row.reason,
        by=row.by,
        at=row.at,
    )
