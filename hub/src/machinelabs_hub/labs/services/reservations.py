"""Reservations of GPUs: admins make and cancel them, whoever is signed in sees them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from machinelabs_hub.errors import BadInput, NotAllowed, NotFound
from machinelabs_hub.gpu.reservations import Occurrence, Repeat, Reservation, occurrences
from machinelabs_hub.labs.models.member import MemberKind
from machinelabs_hub.labs.models.page import Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_place, write_place
from machinelabs_hub.labs.models.reservation import Booking
from machinelabs_hub.labs.services.directory import Directory
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import signed_in, writer
from machinelabs_hub.labs.storage.reservations import ReservationTable
from machinelabs_hub.names import shown

_LIST: Final = "reservations"
_YEAR: Final = timedelta(days=366)
_LONGEST: Final = {
    Repeat.ONCE: timedelta(days=31),
    Repeat.DAILY: timedelta(days=1),
    Repeat.WEEKLY: timedelta(days=7),
}
"""How long one occurrence may be: it is over before the next begins."""


class BadReservation(BadInput):
    """A reservation that nobody could keep."""

    code = "bad_reservation"


class NoReservation(NotFound):
    """There is no reservation with this number."""

    code = "no_reservation"


class ReservationService:
    """Reservations as `viewer` may see, make and cancel them."""

    def __init__(self, *, tools: Tools, viewer: Person | None, directory: Directory) -> None:
        self._tools = tools
        self._viewer = viewer
        self._directory = directory
        self._table = ReservationTable(sessions=tools.sessions)

    def page(self, *, cursor: str = "", limit: int) -> Page[Booking]:
        """Return reservations with when each holds next, the last made first."""
        signed_in(self._viewer)
        before = read_place(cursor, _LIST) if cursor else None
        rows = self._table.page(before=before, limit=limit + 1)
        more = write_place(_LIST, rows[limit - 1].row.id) if len(rows) > limit else None
        return Page(tuple(self._with_next(row) for row in rows[:limit]), more)

    def add(self, row: Reservation) -> Booking:
        """Reserve slots for a group.

        Raises:
            BadReservation: with a sentence that says what cannot be.
            UnknownFlavour: the site has no such size.
            UnknownMember: the site has no such group.
        """
        admin, now = self._admin(), self._tools.clock()
        row = replace(row, title=" ".join(row.title.split()))
        self._check(row, now)
        self._directory.check(MemberKind.GROUP, row.group)
        return self._with_next(self._table.add(Booking(row=row, by=admin.name, at=now)))

    def cancel(self, number: int) -> None:
        """Cancel a reservation: what it kept is everybody's at once.

        Raises:
            NoReservation: there is none.
        """
        self._admin()
        if not self._table.remove(number):
            raise NoReservation(f"There is no reservation {number}. Somebody cancelled it already.")

    def _admin(self) -> Person:
        person = writer(self._viewer)
        if not person.admin:
            raise NotAllowed("Only an admin can reserve GPUs. Ask the people who run this site.")
        return person

    def _check(self, row: Reservation, now: datetime) -> None:
        flavour = self._tools.catalog().flavour(row.flavour)
        if flavour.gpu is None:
            raise BadReservation(f"The size “{flavour.title}” has no GPU: there is always room.")
        try:
            ZoneInfo(row.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadReservation(
                f"“{shown(row.zone)}” is no time zone. Write one as Europe/Berlin."
            ) from error
        if not row.title.isprintable():
            raise BadReservation("The title has a character that nobody can read. Take it out.")
        if not timedelta() < row.ends_at - row.starts_at <= _LONGEST[row.repeat]:
            days = _LONGEST[row.repeat].days
            raise BadReservation(
                f"It has to end after it begins, and at most {days} "
                f"{'day' if days == 1 else 'days'} later."
            )
        if abs(row.starts_at - now) > _YEAR:
            raise BadReservation("It has to begin within a year.")
        self._check_repeats(row)
        if self._next(row, now) is None:
            raise BadReservation("It is over already. Choose a time to come.")

    @staticmethod
    def _check_repeats(row: Reservation) -> None:
        if row.repeat_until is None:
            return
        if row.repeat is Repeat.ONCE:
            raise BadReservation("Only what repeats has a last time. Leave `repeat_until` out.")
        if not row.starts_at < row.repeat_until <= row.starts_at + 5 * _YEAR:
            raise BadReservation("Repeats end after the first time, and at most five years later.")

    def _with_next(self, booking: Booking) -> Booking:
        return replace(booking, next=self._next(booking.row, self._tools.clock()))

    @staticmethod
    def _next(row: Reservation, now: datetime) -> Occurrence | None:
        return next(occurrences(row, after=now, before=max(now, row.starts_at) + _YEAR), None)
