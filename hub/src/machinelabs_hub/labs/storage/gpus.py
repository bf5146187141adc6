"""Admins' orders about cards, and the line to look at. One transaction each."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, exists, or_, select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import CardRow, WaitRow
from machinelabs_hub.db.tables.orders import DrainRow, ReturnRow
from machinelabs_hub.gpu.model import Health
from machinelabs_hub.labs.models.gpus import Drain, InLine


class GpuTable:
    """Drains and returns are written here and the Hub obeys; cards and waits the Hub writes."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def knows(self, uuid: str) -> bool:
        """Return whether it is a device of the site, or a card that is split into some."""
        return self._any(uuid)

    def has_failed(self, uuid: str) -> bool:
        """Return whether this device failed, or an instance of this card."""
        return self._any(uuid, health=Health.FAILED.value)

    def drains(self) -> Mapping[str, Drain]:
        """Return what is kept back, by uuid."""
        with self._sessions() as db:
            rows = db.scalars(select(DrainRow))
            return {row.uuid: Drain(row.uuid, row.why, row.by, row.at) for row in rows}

    def drain(self, order: Drain) -> None:
        """Keep a device back; the last word about it holds."""
        with self._sessions() as db:
            db.merge(DrainRow(uuid=order.uuid, why=order.why, by=order.by, at=order.at))

    def end_drain(self, uuid: str) -> bool:
        """Keep a device back no longer; return whether it was."""
        gone = delete(DrainRow).where(DrainRow.uuid == uuid)
        with self._sessions() as db:
            return bool(db.execute(gone.returning(DrainRow.uuid)).first())

    def returns(self) -> Mapping[str, datetime]:
        """Return when devices were said to be well."""
        with self._sessions() as db:
            return {row.uuid: row.at for row in db.scalars(select(ReturnRow))}

    def give_back(self, uuid: str, by: str, at: datetime) -> None:
        """Note that a device which failed is well."""
        with self._sessions() as db:
            db.merge(ReturnRow(uuid=uuid, by=by, at=at))

    def line(self) -> tuple[InLine, ...]:
        """Return who waits, in their order; whose place is not known yet at the end."""
        order = (WaitRow.position == 0, WaitRow.position, WaitRow.since, WaitRow.user)
        with self._sessions() as db:
            return tuple(
                InLine(
                    user=row.user,
                    server=row.server,
                    flavour=row.flavour,
                    position=row.position,
                    since=row.since,
                    expected_at=row.expected_at,
                    why=row.why,
                )
                for row in db.scalars(select(WaitRow).order_by(*order))
            )

    def _any(self, uuid: str, **be: str) -> bool:
        meant = select(CardRow).where(or_(CardRow.uuid == uuid, CardRow.parent == uuid))
        with self._sessions() as db:
            return bool(db.scalar(select(exists(meant.filter_by(**be)))))
