"""When people last said that they need a server: *Keep it*. The labs service writes it."""

from datetime import datetime

from sqlalchemy import select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.orders import KeepRow
from machinelabs_hub.gpu.model import Holder


class Keeps:
    """Reads the table `keeps`."""

    def __init__(self, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def all(self) -> dict[Holder, datetime]:
        """Return the moment for each server that was ever kept."""
        with self._sessions() as db:
            rows = db.scalars(select(KeepRow))
            return {Holder(row.user, row.server): row.at for row in rows}
