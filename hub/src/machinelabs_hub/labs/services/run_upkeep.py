"""Tend what is kept of runs: purge deleted ones, and drop logs and contents that no run has."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from machinelabs_hub.labs.services.tools import Tools

UNUSED_SECONDS: Final = 24 * 3600
"""A content is written before its row: so old, one without a row is nobody's."""

_AT_ONCE: Final = 500


@dataclass(slots=True)
class TendedRuns:
    """What was done."""

    purged: int = 0
    logs: int = 0
    blobs: int = 0

    def __bool__(self) -> bool:
        return bool(self.purged or self.logs or self.blobs)


def tend(tools: Tools, *, unused: float = UNUSED_SECONDS) -> TendedRuns:
    """Purge runs that were deleted for long enough, then what is left of purged ones."""
    done = TendedRuns()
    before = tools.clock() - timedelta(days=tools.settings.limits.trash_days)
    done.purged = tools.runs.purge(before)
    tools.sweeps.purge()
    for run in tuple(tools.events.ids()):
        # The row is there before the folder, so a folder without one is of a run that is purged.
        if tools.runs.get(run) is None:
            tools.events.remove(run)
            done.logs += 1
    found = list(tools.blobs.older_than(unused))
    for start in range(0, len(found), _AT_ONCE):
        some = frozenset(found[start : start + _AT_ONCE])
        for name in some - tools.run_outputs.known(some):
            tools.blobs.remove(name)
            done.blobs += 1
    return done


def missing(tools: Tools) -> tuple[int, list[str]]:
    """Return how many files runs put out, and those whose content is not there whole."""
    count, lost = 0, []
    for path, sha256, size in tools.run_outputs.all():
        count += 1
        if not tools.blobs.has(sha256, size):
            lost.append(path)
    return count, lost
