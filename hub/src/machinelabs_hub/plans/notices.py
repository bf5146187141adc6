"""What people are told of their servers: the Hub writes, the labs service passes it on."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.notices import NoticeRow
from machinelabs_hub.db.tables.orders import ConfirmationRow
from machinelabs_hub.plans.model import Notice

ACCOUNT: Final = "account"
"""The kind of the notice of a stop because its person was switched off or deleted."""


class NoticeTable:
    """Rows of `notices`; only the Hub puts them there."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def live(self) -> tuple[Notice, ...]:
        """Return every notice that holds, the oldest first."""
        with self._sessions() as db:
            rows = db.scalars(
                select(NoticeRow)
                .where(NoticeRow.ended_at.is_(None))
                .order_by(NoticeRow.at, NoticeRow.id)
            )
            return tuple(notice_of(row) for row in rows)

    def of(self, user: str, server: str | None = None) -> tuple[Notice, ...]:
        """Return the notices that hold for a person's server (None: all), the oldest first."""
        with self._sessions() as db:
            rows = db.scalars(
                select(NoticeRow)
                .where(NoticeRow.user == user, NoticeRow.ended_at.is_(None))
                .order_by(NoticeRow.at, NoticeRow.id)
            )
            return tuple(notice_of(row) for row in rows if server in {None, row.server})

    def put(self, notice: Notice) -> Notice:
        """Store a notice in place of what is stored under its id; an ended one stays ended."""
        with self._sessions() as db:
            old = db.get(NoticeRow, notice.id)
            if old is not None and old.ended_at is not None:
                return notice_of(old)
            db.merge(
                NoticeRow(
                    id=notice.id,
                    user=notice.user,
                    server=notice.server,
                    kind=notice.kind,
                    sentence=notice.sentence,
                    stops_at=notice.stops_at,
                    at=notice.at,
                    final_at=notice.final_at,
                    ended_at=notice.ended_at,
                )
            )
        return notice

    def make_final(self, notice: Notice, now: datetime) -> Notice:
        """Let the server save what is open: it is about to be stopped."""
        return self.put(replace(notice, final_at=notice.final_at or now))

    def end(self, notice: Notice, now: datetime) -> None:
        """Let a notice hold no longer."""
        self.put(replace(notice, ended_at=now))

    def why_stopped(self, user: str, server: str) -> str:
        """Return the kind of the notice with which a server was stopped last; empty: of none."""
        with self._sessions() as db:
            wanted = (
                select(NoticeRow.kind)
                .where(NoticeRow.user == user, NoticeRow.server == server)
                .where(NoticeRow.final_at.is_not(None))
                .order_by(NoticeRow.final_at.desc())
                .limit(1)
            )
            return db.scalar(wanted) or ""

    def is_confirmed(self, notice: Notice) -> bool:
        """Tell whether the server has said that all is saved."""
        with self._sessions() as db:
            row = db.get(ConfirmationRow, (notice.user, notice.server))
            return row is not None and row.notice == notice.id


def notice_of(row: NoticeRow) -> Notice:
    """Return what a row says."""
    return Notice(
        id=row.id,
        user=row.user,
        server=row.server,
        kind=row.kind,
        sentence=row.sentence,
        at=row.at,
        stops_at=row.stops_at,
        final_at=row.final_at,
        ended_at=row.ended_at,
    )
