"""Failed sign-ins, kept in the database: a restart of the Hub forgives nobody."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from machinelabs_hub.auth.clock import now_utc
from machinelabs_hub.auth.throttle import Failure, check_pause
from machinelabs_hub.auth_settings import Local
from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.accounts import FailureRow


class Failures:
    """Counts failed sign-ins by name and address. Every method is one transaction."""

    def __init__(
        self, *, sessions: SessionMaker, rule: Local, clock: Callable[[], datetime] = now_utc
    ) -> None:
        self._sessions = sessions
        self._rule = rule
        self._clock = clock

    def check(self, name: str, *, address: str) -> None:
        """Return if `name` may try once more from `address`.

        Raises:
            TooManyAttempts: says for how many minutes to wait.
        """
        now = self._clock()
        oldest = now - timedelta(minutes=self._rule.failure_minutes)
        with self._sessions() as db:
            db.execute(delete(FailureRow).where(FailureRow.at <= oldest))
            rows = db.scalars(select(FailureRow).where(FailureRow.address == address))
            failures = [Failure(name_hash=row.name_hash, at=row.at) for row in rows]
        check_pause(failures, name_hash=_hashed(name), now=now, rule=self._rule)

    def add(self, name: str, *, address: str) -> None:
        """Count one failure."""
        with self._sessions() as db:
            db.add(FailureRow(name_hash=_hashed(name), address=address, at=self._clock()))

    def forget(self, name: str, *, address: str) -> None:
        """Forget what failed before `name` got in from `address`."""
        mine = FailureRow.name_hash == _hashed(name)
        with self._sessions() as db:
            db.execute(delete(FailureRow).where(mine, FailureRow.address == address))


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
