"""When each run was heard of last, in memory: a service that begins anew waits as for a new one."""

import threading
from datetime import UTC, datetime


class Contacts:
    """The last word of every run that is not over."""

    def __init__(self) -> None:
        self._begun = datetime.now(UTC)
        self._heard: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def hear(self, run: int, at: datetime) -> None:
        """Note that a run was heard of."""
        with self._lock:
            self._heard[run] = at

    def heard(self, run: int) -> datetime | None:
        """Return when a run was heard of last; None: not since this process began."""
        with self._lock:
            return self._heard.get(run)

    def since(self, run: int, otherwise: datetime) -> datetime:
        """Return since when a run is silent: its last word, `otherwise`, or our own beginning."""
        return self.heard(run) or max(otherwise, self._begun)

    def keep(self, runs: frozenset[int]) -> None:
        """Forget all runs but these."""
        with self._lock:
            for run in self._heard.keys() - runs:
                del self._heard[run]
