"""Count what servers use, as they are seen to run. No clock, no database: see `usage`.

A session is charged from one look to the next. What was not looked at, because the Hub was away,
is charged as far as the engine says that the container ran; time that nobody knows is not.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from machinelabs_hub.plans.model import Hours, Session, Use
from machinelabs_hub.plans.windows import split

SAVE_SECONDS: Final = 30
"""How often what was counted is saved; so much may be lost with the Hub, and no more."""


@dataclass(frozen=True, slots=True)
class Live:
    """A server as it is looked at: ready, or so when it was last known."""

    session: Session
    ready_at: datetime
    ran_since: datetime | None
    """Since when the engine says that its container runs without a break; None: unknown now."""


@dataclass(slots=True)
class _Open:
    session: Session
    until: datetime
    """Charged up to here."""
    rows: dict[str, Use]
    """By month."""
    is_seen: bool
    """Whether it was seen to run at the last look."""


class Meter:
    """The sessions that go on, and the rows that changed since they were last saved."""

    def __init__(self, rows: Iterable[Use] = ()) -> None:
        """Go on with the open rows that an earlier meter saved."""
        self._open: dict[str, _Open] = {}
        self._changed: dict[tuple[str, str], Use] = {}
        for row in rows:
            one = self._open.setdefault(
                row.session.id, _Open(row.session, row.until, {}, is_seen=False)
            )
            one.rows[row.month] = row
            one.until = max(one.until, row.until)

    @property
    def live(self) -> tuple[Session, ...]:
        """The sessions that go on."""
        return tuple(one.session for one in self._open.values())

    def look(
        self,
        live: Collection[Live],
        *,
        unsure: Collection[tuple[str, str]] = (),
        ends: Mapping[str, datetime] | None = None,
        now: datetime,
    ) -> bool:
        """Charge what runs up to now and close what is gone; return whether one came or went.

        Args:
            live: what runs.
            unsure: servers (user, name) of which nobody knows now. They are neither charged nor
                closed: what they used meanwhile is charged when the engine says so.
            ends: when sessions ended, by id, where somebody knows.
            now: the present.
        """
        known = set(self._open)
        for running in live:
            self._see(running, now)
        seen = {running.session.id for running in live}
        for one in [one for key, one in self._open.items() if key not in seen]:
            if (one.session.user, one.session.server) in unsure:
                one.is_seen = False
            else:
                self._close(one, (ends or {}).get(one.session.id), now)
        return known != set(self._open)

    def changed(self) -> tuple[Use, ...]:
        """Return the rows that `saved` was not called for."""
        return tuple(self._changed.values())

    def saved(self, rows: Iterable[Use]) -> None:
        """Forget that these rows changed, unless they did again."""
        for row in rows:
            if self._changed.get((row.session.id, row.month)) == row:
                del self._changed[row.session.id, row.month]

    def _see(self, live: Live, now: datetime) -> None:
        one = self._open.get(live.session.id)
        if one is None:
            if live.ran_since is None:
                return
            begin = max(live.ready_at, live.ran_since)
            one = _Open(live.session, min(begin, now), {}, is_seen=True)
            self._open[live.session.id] = one
        elif not one.is_seen:
            if live.ran_since is None:
                return
            # A container that was started anew meanwhile did not run all along.
            one.until = max(one.until, live.ran_since)
            one.is_seen = True
        self._charge(one, now)

    def _charge(self, one: _Open, until: datetime) -> None:
        for month, begin, end in split(one.until, until):
            old = one.rows.get(month) or Use(
                one.session, month, begin, begin, Hours(), is_open=True
            )
            self._put(
                one,
                replace(
                    old,
                    until=end,
                    hours=old.hours + one.session.charge((end - begin).total_seconds()),
                ),
            )
        one.until = max(one.until, until)
        *past, _ = sorted(one.rows) or [""]
        for month in past:
            self._put(one, replace(one.rows.pop(month), is_open=False))

    def _close(self, one: _Open, ended_at: datetime | None, now: datetime) -> None:
        if ended_at is not None:
            self._charge(one, min(ended_at, now))
        for row in one.rows.values():
            self._changed[row.session.id, row.month] = replace(row, is_open=False)
        del self._open[one.session.id]

    def _put(self, one: _Open, row: Use) -> None:
        if row.is_open:
            one.rows[row.month] = row
        self._changed[row.session.id, row.month] = row
