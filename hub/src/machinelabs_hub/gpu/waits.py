"""The table of who waits: it outlives the Hub, which asks for those starts again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import WaitRow
from machinelabs_hub.gpu.model import Holder, Waiting
from machinelabs_hub.gpu.ranks import Waiter


@dataclass(frozen=True, slots=True)
class Stored:
    """A wait as it is stored: what to ask for again, and its place."""

    holder: Holder
    flavour: str
    options: Mapping[str, Any]
    since: datetime
    late: timedelta


class WaitTable:
    """Rows of `waits`; only the Hub writes them."""

    def __init__(self, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def all(self) -> tuple[Stored, ...]:
        """Return all who wait, whoever came first first."""
        with self._sessions() as db:
            rows = db.scalars(select(WaitRow).order_by(WaitRow.since))
            return tuple(_stored(row) for row in rows)

    def find(self, holder: Holder) -> Stored | None:
        """Return the wait for this server, if it is stored."""
        with self._sessions() as db:
            row = db.get(WaitRow, (holder.user, holder.server))
            return _stored(row) if row else None

    def keep(self, waiter: Waiter) -> None:
        """Store a wait in place of an earlier one for the same server."""
        ask = waiter.ask
        with self._sessions() as db:
            db.merge(
                WaitRow(
                    user=ask.holder.user,
                    server=ask.holder.server,
                    flavour=ask.flavour,
                    options=dict(ask.options),
                    groups=sorted(ask.groups),
                    weight=ask.weight,
                    since=waiter.since,
                    late_seconds=waiter.late.total_seconds(),
                    position=0,
                    why="",
                )
            )

    def tell(self, places: Mapping[Holder, Waiting]) -> None:
        """Store where these stand now."""
        if not places:
            return
        with self._sessions() as db:
            db.execute(
                update(WaitRow),
                [
                    {
                        "user": holder.user,
                        "server": holder.server,
                        "position": place.position,
                        "expected_at": place.expected_at,
                        "why": place.why,
                    }
                    for holder, place in places.items()
                ],
            )

    def drop(self, holder: Holder) -> None:
        """Forget a wait; one that is not stored is as good."""
        with self._sessions() as db:
            db.execute(
                delete(WaitRow).where(WaitRow.user == holder.user, WaitRow.server == holder.server)
            )


def _stored(row: WaitRow) -> Stored:
    return Stored(
        holder=Holder(row.user, row.server),
        flavour=row.flavour,
        options=row.options,
        since=row.since,
        late=timedelta(seconds=row.late_seconds),
    )
