"""Reservations of GPUs: admins order them, the Hub keeps them. One transaction each."""

from sqlalchemy import delete, select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.orders import ReservationRow
from machinelabs_hub.gpu.bookings import reservation_of
from machinelabs_hub.labs.models.reservation import Booking


class ReservationTable:
    """Rows that the labs service writes and the Hub obeys."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def add(self, booking: Booking) -> Booking:
        """Store a reservation; its id is given here."""
        row = booking.row
        with self._sessions() as db:
            stored = ReservationRow(
                title=row.title,
                group=row.group,
                flavour=row.flavour,
                slots=row.slots,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                repeat=row.repeat.value,
                repeat_until=row.repeat_until,
                zone=row.zone,
                grace_minutes=round(row.grace.total_seconds() / 60),
                by=booking.by,
                at=booking.at,
            )
            db.add(stored)
            db.flush()
            return _booking(stored)

    def page(self, *, before: int | None, limit: int) -> tuple[Booking, ...]:
        """Return reservations, the last made first."""
        wanted = select(ReservationRow).order_by(ReservationRow.id.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(ReservationRow.id < before)
        with self._sessions() as db:
            return tuple(_booking(row) for row in db.scalars(wanted))

    def remove(self, number: int) -> bool:
        """Remove a reservation; return whether it was there."""
        gone = delete(ReservationRow).where(ReservationRow.id == number)
        with self._sessions() as db:
            return bool(db.execute(gone.returning(ReservationRow.id)).first())


def _booking(row: ReservationRow) -> Booking:
    return Booking(row=reservation_of(row), by=row.by, at=row.at)
