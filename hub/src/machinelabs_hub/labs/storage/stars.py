"""Stars that people gave, and labs that admins feature. Every method is one transaction."""

from datetime import datetime

from sqlalchemy import delete, select, update

from machinelabs_hub.db.engine import RowClash, SessionMaker
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.stars import StarRow
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.storage.counts import recount


class StarTable:
    """Who starred what."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def has(self, lab: Lab, person: str) -> bool:
        """Tell whether `person` starred a lab."""
        with self._sessions() as db:
            return db.get(StarRow, (lab.id, person)) is not None

    def put(self, lab: Lab, person: str, at: datetime) -> None:
        """Give a person's star to a lab, once."""
        try:
            with self._sessions() as db:
                if db.get(StarRow, (lab.id, person)) is None:
                    db.add(StarRow(lab_id=lab.id, person=person, at=at))
                    db.flush()
                    recount(db, lab.id)
        except RowClash:
            # Another click of the same person was first, or the lab is gone: both are as asked.
            return

    def take(self, lab: Lab, person: str) -> None:
        """Take a person's star from a lab."""
        with self._sessions() as db:
            db.execute(delete(StarRow).where(StarRow.lab_id == lab.id, StarRow.person == person))
            recount(db, lab.id)

    def forget(self, person: str) -> None:
        """Take all stars that a person gave, who is gone."""
        with self._sessions() as db:
            given = list(db.scalars(select(StarRow.lab_id).where(StarRow.person == person)))
            db.execute(delete(StarRow).where(StarRow.person == person))
            for lab_id in given:
                recount(db, lab_id)

    def feature(self, lab: Lab, at: datetime | None) -> None:
        """Put a lab on the first page, or (None) take it from there."""
        with self._sessions() as db:
            db.execute(update(LabRow).where(LabRow.id == lab.id).values(featured_at=at))
