"""Tend what is kept of runs and datasets: purge deleted runs, drop what nothing has any more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import chain
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
    _tend_uploads(tools)
    for run in tuple(tools.events.ids()):
        # The row is there before the folder, so a folder without one is of a run that is purged.
        if tools.runs.get(run) is None:
            tools.events.remove(run)
            done.logs += 1
    found = list(tools.blobs.older_than(unused))
    for start in range(0, len(found), _AT_ONCE):
        some = frozenset(found[start : start + _AT_ONCE])
        # Asked once more under the lock: meanwhile one may have been put here again.
        if unknown := some - known(tools, some):
            done.blobs += drop_unknown(tools, unknown)
    return done


def known(tools: Tools, some: frozenset[str]) -> frozenset[str]:
    """Return those of these contents that a run or a dataset has."""
    return tools.run_outputs.known(some) | tools.dataset_versions.known(some)


def drop_unknown(tools: Tools, names: Iterable[str]) -> int:
    """Remove those of these contents that nothing has, and tell how many."""
    return tools.blobs.sweep(names, partial(known, tools))


def _tend_uploads(tools: Tools) -> None:
    """Give up uploads that were begun long ago, and drop what came of those that are over."""
    days = timedelta(days=tools.settings.datasets.upload_days)
    tools.dataset_uploads.drop_before(tools.clock() - days)
    # Of an upload there is a row before there is a folder.
    here = tuple(tools.partials.uploads())
    for upload in set(here) - tools.dataset_uploads.ids():
        tools.partials.drop(upload)


def missing(tools: Tools) -> tuple[int, list[str]]:
    """Return how many files runs and datasets have, and those whose content is not there whole."""
    count, lost = 0, []
    looked: dict[tuple[str, int], bool] = {}
    for path, sha256, size in chain(tools.run_outputs.all(), tools.dataset_versions.all()):
        count += 1
        # Once each: many files have the same content, and a bucket takes its time for each.
        if (sha256, size) not in looked:
            looked[sha256, size] = tools.blobs.has(sha256, size)
        if not looked[sha256, size]:
            lost.append(path)
    return count, lost
