"""Answers to creates that carried a key. Every method is one transaction and may block.

What makes something says so in its own transaction (`note`), so that a process that dies before
it has answered leaves word that the thing is there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import RowClash, SessionMaker
from machinelabs_hub.db.tables.requests import IdempotencyRow

UNANSWERED: Final = HTTPStatus.CONFLICT
"""The status kept of what was done and never answered; the body is what it made."""

_claimed: ContextVar[tuple[str, str] | None] = ContextVar("claimed", default=None)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a key.

    Attributes:
        request: a hash of what was asked.
        status: of the answer; None while it is made.
        body: the answer.
    """

    request: str
    status: int | None
    body: str


@contextmanager
def claimed(person: str, key: str) -> Iterator[None]:
    """Let what the block makes, here or on threads that it starts, be noted under a key."""
    token = _claimed.set((person, key))
    try:
        yield
    finally:
        _claimed.reset(token)


def note(db: Session, made: str) -> None:
    """Note `made`, which this transaction makes, under the key of the request, if it has one."""
    if place := _claimed.get():
        db.execute(update(IdempotencyRow).where(*_open(*place)).values(body=made))


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
        """Forget a key whose request was not answered, unless it made something."""
        self._release(*_open(person, key))

    def purge(self, before: datetime) -> None:
        """Forget what is older than `before`."""
        with self._sessions() as db:
            db.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < before))

    def release_all(self) -> None:
        """Release the keys of requests that a killed process left unanswered."""
        self._release(IdempotencyRow.status.is_(None))

    def _release(self, *which: ColumnElement[bool]) -> None:
        with self._sessions() as db:
            db.execute(delete(IdempotencyRow).where(*which, IdempotencyRow.body == ""))
            db.execute(update(IdempotencyRow).where(*which).values(status=UNANSWERED))


def _open(person: str, key: str) -> tuple[ColumnElement[bool], ...]:
    return (
        IdempotencyRow.person == person,
        IdempotencyRow.key == key,
        IdempotencyRow.status.is_(None),
    )
