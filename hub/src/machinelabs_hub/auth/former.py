"""Names of deleted people whose labs or homes are still here: nobody else gets them."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select

from machinelabs_hub.auth.clock import now_utc
from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.accounts import FormerNameRow
from machinelabs_hub.db.tables.labs import LabRow


class FormerNames:
    """The names that stay kept. An invitation that names one gives it back to its person."""

    def __init__(
        self,
        *,
        sessions: SessionMaker,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._sessions = sessions
        self._clock = clock

    def holds(self, name: str) -> bool:
        """Whether a deleted person called so left a home or labs."""
        with self._sessions() as db:
            row = db.get(FormerNameRow, name)
            if row is not None and row.home_kept:
                return True
            return db.scalar(select(LabRow.id).where(LabRow.owner == name).limit(1)) is not None

    def keep(self, name: str, *, home_kept: bool, labs_kept: bool) -> None:
        """Remember that `name` was somebody's."""
        with self._sessions() as db:
            db.merge(
                FormerNameRow(
                    name=name,
                    deleted_at=self._clock(),
                    home_kept=home_kept,
                    labs_kept=labs_kept,
                )
            )

    def give_back(self, name: str) -> None:
        """Forget that `name` was a deleted person's: they are here again."""
        with self._sessions() as db:
            db.execute(delete(FormerNameRow).where(FormerNameRow.name == name))
