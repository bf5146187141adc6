"""Answers to creates that carried a key. Every method is one transaction and may block."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update

from machinelabs_hub.db.engine import RowClash, SessionMaker
from machinelabs_hub.db.tables.requests import IdempotencyRow


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a key: a hash of what was asked, and the answer; None while it is made."""

    request: str
    status: int | None
    body: str


class IdempotencyTable:
    """Rows of keys, each of one person."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def claim(self, person: str, key: str, now: datetime) -> Kept | None:
        """Claim a key for a request that begins; what is known of it if it is taken."""
        try:
            with self._sessions() as db:
                row = db.get(IdempotencyRow, (person, key))
                if row is not None:
                    return Kept(row.request, row.status, row.body)
                db.add(IdempotencyRow(person=person, key=key, request="", created_at=now))
        except RowClash:
            # Another request with this key was first by a hair.
            return Kept("", None, "")
        return None

    def keep(self, person: str, key: str, kept: Kept) -> None:
        """Keep the answer to the request that claimed a key."""
        at = update(IdempotencyRow).where(
            IdempotencyRow.person == person, IdempotencyRow.key == key
        )
        values = {"request": kept.request, "status": kept.status, "body": kept.body}
        with self._sessions() as db:
            db.execute(at.values(**values))

    def release(self, person: str, key: str) -> None:
        """Forget a key whose request made nothing."""
        with self._sessions() as db:
            db.execute(
                delete(IdempotencyRow).where(
                    IdempotencyRow.person == person,
                    IdempotencyRow.key == key,
                    IdempotencyRow.status.is_(None),
                )
            )

    def purge(self, before: datetime) -> None:
        """Forget what is older than `before`."""
        with self._sessions() as db:
            db.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < before))

    def release_all(self) -> None:
        """Forget the keys of requests that a killed process left unanswered."""
        with self._sessions() as db:
            db.execute(delete(IdempotencyRow).where(IdempotencyRow.status.is_(None)))
