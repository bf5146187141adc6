"""Sign-ins of programs under way. Every method is one transaction and may block."""

from datetime import datetime

from sqlalchemy import delete, select, update

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.requests import HandshakeRow
from machinelabs_hub.labs.models.handshake import Handshake
from machinelabs_hub.labs.storage.rows import changed


class HandshakeTable:
    """Rows of programs that wait for a yes."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def add(self, handshake: Handshake, *, secret_hash: str, now: datetime) -> None:
        """Add one, and forget those that nobody answered in time.

        Raises:
            RowClash: another has this code.
        """
        with self._sessions() as db:
            db.execute(delete(HandshakeRow).where(HandshakeRow.expires_at <= now))
            db.add(
                HandshakeRow(
                    secret_hash=secret_hash,
                    code=handshake.code,
                    device=handshake.device,
                    expires_at=handshake.expires_at,
                )
            )

    def find(self, code: str, now: datetime) -> Handshake | None:
        """Return the one with this code that still waits, or None."""
        with self._sessions() as db:
            row = db.scalar(
                select(HandshakeRow).where(
                    HandshakeRow.code == code,
                    HandshakeRow.person.is_(None),
                    HandshakeRow.expires_at > now,
                )
            )
            return None if row is None else _handshake_of(row)

    def answer(self, code: str, person: str, token: bytes | None, now: datetime) -> bool:
        """Keep a person's answer, a no without a token; False: it waits no more."""
        waiting = update(HandshakeRow).where(
            HandshakeRow.code == code,
            HandshakeRow.person.is_(None),
            HandshakeRow.expires_at > now,
        )
        with self._sessions() as db:
            return changed(db, waiting.values(person=person, token=token))

    def take(self, secret_hash: str, now: datetime) -> tuple[Handshake, bytes | None] | None:
        """Return one and its sealed token; one that was answered is forgotten with that."""
        this = HandshakeRow.secret_hash == secret_hash
        with self._sessions() as db:
            row = db.scalar(select(HandshakeRow).where(this, HandshakeRow.expires_at > now))
            if row is None:
                return None
            found = _handshake_of(row), row.token
            # Of two that ask at once, one forgets it, and only that one has it.
            if row.person is not None and not changed(db, delete(HandshakeRow).where(this)):
                return None
            return found


def _handshake_of(row: HandshakeRow) -> Handshake:
    return Handshake(row.code, row.device, row.expires_at, row.person)
