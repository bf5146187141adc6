"""The table of what was used, and the grants of extra hours, as the Hub keeps and reads them."""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import insert, select, update

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.orders import HourGrantRow
from machinelabs_hub.db.tables.usage import UsageRow
from machinelabs_hub.plans.model import Grant, Hours, Session, Use

_RUN = "run"
_SERVER = "server"


class UsageTable:
    """Rows of `usage`; only the Hub saves."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def open_rows(self) -> tuple[Use, ...]:
        """Return the rows of sessions that were not seen to end."""
        with self._sessions() as db:
            rows = db.scalars(select(UsageRow).where(UsageRow.is_open).order_by(UsageRow.since))
            return tuple(use_of(row) for row in rows)

    def of(self, user: str, since: datetime) -> tuple[Use, ...]:
        """Return what a person used after `since`, the oldest first."""
        with self._sessions() as db:
            rows = db.scalars(
                select(UsageRow)
                .where(UsageRow.user == user, UsageRow.until > since)
                .order_by(UsageRow.since, UsageRow.session)
            )
            return tuple(use_of(row) for row in rows)

    def all_since(self, since: datetime) -> tuple[Use, ...]:
        """Return what everybody used after `since`, by person, the oldest first."""
        with self._sessions() as db:
            rows = db.scalars(
                select(UsageRow)
                .where(UsageRow.until > since)
                .order_by(UsageRow.user, UsageRow.since, UsageRow.session)
            )
            return tuple(use_of(row) for row in rows)

    def grants(self, user: str, month: str) -> tuple[Grant, ...]:
        """Return the extra hours that a person has in a month."""
        with self._sessions() as db:
            rows = db.scalars(
                select(HourGrantRow).where(HourGrantRow.user == user, HourGrantRow.month == month)
            )
            return tuple(Grant(row.month, row.cpu_hours, row.gpu_hours) for row in rows)

    def save(self, uses: Iterable[Use]) -> None:
        """Put rows in place of what is stored of the same session and month."""
        values = [_values(use) for use in uses]
        with self._sessions() as db:
            known = {
                tuple(row)
                for row in db.execute(
                    select(UsageRow.session, UsageRow.month).where(
                        UsageRow.session.in_([row["session"] for row in values])
                    )
                )
            }
            for statement, is_known in ((update(UsageRow), True), (insert(UsageRow), False)):
                rows = [
                    row for row in values if ((row["session"], row["month"]) in known) is is_known
                ]
                if rows:
                    db.execute(statement, rows)


def _values(use: Use) -> dict[str, Any]:
    session = use.session
    return {
        "session": session.id,
        "month": use.month,
        "user": session.user,
        "server": session.server,
        "kind": _RUN if session.is_run else _SERVER,
        "flavour": session.flavour,
        "cards_numerator": session.cards.numerator,
        "cards_denominator": session.cards.denominator,
        "since": use.since,
        "until": use.until,
        "cpu_seconds": use.hours.cpu_seconds,
        "gpu_seconds": use.hours.gpu_seconds,
        "is_open": use.is_open,
    }


def use_of(row: UsageRow) -> Use:
    """Return what a row says."""
    return Use(
        session=Session(
            id=row.session,
            user=row.user,
            server=row.server,
            flavour=row.flavour,
            cards=Fraction(row.cards_numerator, row.cards_denominator),
            is_run=row.kind == _RUN,
        ),
        month=row.month,
        since=row.since,
        until=row.until,
        hours=Hours(row.cpu_seconds, row.gpu_seconds),
        is_open=row.is_open,
    )
