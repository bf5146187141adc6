"""The reservations as they stand now: read from SQL, reckoned with the claims that live."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import ClaimRow
from machinelabs_hub.db.tables.orders import ReservationRow
from machinelabs_hub.gpu.model import Claim, Want
from machinelabs_hub.gpu.reservations import Repeat, Reservation, holding, kept, unused
from machinelabs_hub.gpu.turns import Slots

READ_SECONDS = 0.4
"""How often the rows are read: people change them through the labs service."""


class Bookings:
    """What is kept for whom."""

    def __init__(self, *, sessions: SessionMaker, wants: Mapping[str, Want]) -> None:
        self._sessions = sessions
        self._wants = wants
        self._rows: Sequence[Reservation] = ()
        self._released: dict[int, list[datetime]] = {}
        self._read_at: datetime | None = None

    def slots(self, claims: Iterable[Claim], now: datetime) -> tuple[Slots, ...]:
        """Return the reservations that hold now, the ones that began first before the others."""
        self._read(now)
        live = Counter(claim.reservation for claim in claims if claim.reservation)
        found = []
        for row in self._rows:
            one = holding(row, now)
            if one is None or row.flavour not in self._wants:
                continue
            released = self._released.get(row.id, ())
            found.append(
                Slots(
                    row=row,
                    now=one,
                    want=self._wants[row.flavour],
                    kept=kept(row, one, now=now, live=live[row.id], released=released),
                    unused=unused(row, live[row.id]),
                )
            )
        return tuple(sorted(found, key=lambda slots: (slots.now.starts_at, slots.row.id)))

    def note_ended(self, claim: Claim, now: datetime) -> None:
        """Note that a claim ended, before the rows are read again."""
        if claim.reservation:
            self._released.setdefault(claim.reservation, []).append(now)

    def _read(self, now: datetime) -> None:
        if self._read_at and timedelta() <= now - self._read_at < timedelta(seconds=READ_SECONDS):
            return
        self._read_at = now
        with self._sessions() as db:
            still = or_(ReservationRow.repeat != "", ReservationRow.ends_at > now)
            rows = db.scalars(select(ReservationRow).where(still))
            self._rows = tuple(reservation_of(row) for row in rows)
            self._released = {}
            if not self._rows:
                return
            longest = max(row.grace for row in self._rows)
            ended = select(ClaimRow.reservation, ClaimRow.ended_at).where(
                ClaimRow.reservation != 0, ClaimRow.ended_at > now - longest
            )
            for number, at in db.execute(ended):
                if at is not None:
                    self._released.setdefault(number, []).append(at)


def reservation_of(row: ReservationRow) -> Reservation:
    """Return what a row says."""
    return Reservation(
        id=row.id,
        group=row.group,
        flavour=row.flavour,
        slots=row.slots,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        title=row.title,
        repeat=Repeat(row.repeat),
        repeat_until=row.repeat_until,
        zone=row.zone,
        grace=timedelta(minutes=row.grace_minutes),
    )
