"""The index of people who used the labs. Every method is one transaction and may block."""

from datetime import datetime

from sqlalchemy import select, update

from machinelabs_hub.db.engine import RowClash, SessionMaker
from machinelabs_hub.db.tables.labs import PersonRow
from machinelabs_hub.labs.models.person import Person, Profile


class PersonTable:
    """Rows of people."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def find(self, name: str) -> Profile | None:
        """Return a person without their labs counted, or None."""
        with self._sessions() as db:
            row = db.get(PersonRow, name)
            if row is None or row.left_at is not None:
                return None
            return Profile(row.name, row.display_name or row.name, 0, row.joined_at)

    def seen(self, person: Person, at: datetime) -> None:
        """Remember that a person is here."""
        try:
            with self._sessions() as db:
                row = db.get(PersonRow, person.name)
                if row is None:
                    db.add(
                        PersonRow(name=person.name, display_name=person.display_name, joined_at=at)
                    )
                elif row.left_at is not None:
                    row.left_at, row.joined_at = None, at
        except RowClash:
            # Another request of the same person was first, which is as good.
            return

    def left(self, name: str, at: datetime) -> None:
        """Remember that a person's account is gone."""
        with self._sessions() as db:
            db.execute(update(PersonRow).where(PersonRow.name == name).values(left_at=at))

    def names(self, start: str, limit: int) -> tuple[str, ...]:
        """Return names that begin with `start`."""
        with self._sessions() as db:
            wanted = select(PersonRow.name).where(
                PersonRow.name.startswith(start, autoescape=True), PersonRow.left_at.is_(None)
            )
            return tuple(db.scalars(wanted.order_by(PersonRow.name).limit(limit)))
