"""Tend stores and exports in the background: pack, prune, and drop exports that nobody uses."""

import logging
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage import upkeep

log = logging.getLogger("machinelabs.labs")

UNUSED_SECONDS: Final = 7 * 24 * 3600
"""After so long without a fetch an export is dropped; the next fetch makes it anew."""


@dataclass(slots=True)
class Tended:
    """What was done."""

    packed: int = 0
    pruned: int = 0
    dropped: int = 0

    def __bool__(self) -> bool:
        return bool(self.packed or self.pruned or self.dropped)


def tend(
    tools: Tools, *, most_loose: int = upkeep.MOST_LOOSE, unused: float = UNUSED_SECONDS
) -> Tended:
    """Tend every store that needs it, and the exports."""
    done = Tended()
    busy = {store for store, _ in tools.repos.begun()}
    for store in tools.repos.stores():
        with tools.repos.reading(store) as (_, path):
            if store not in busy and upkeep.needs_packing(path, most_loose=most_loose):
                _tend(tools, store, path, done)
    for uid, export in tuple(tools.exports.unused(unused)):
        with tools.locks.hold(f"export {uid} {export.stem.removeprefix('from-')}"):
            tools.exports.drop_one(export)
        done.dropped += 1
    for export in tools.exports.all():
        if upkeep.needs_packing(export):
            _quietly(export, done)
    return done


def _tend(tools: Tools, store: str, path: Path, done: Tended) -> None:
    if not _is_whole(tools, store):
        log.warning("store %s and the index differ, so it is left alone; run a check", store)
        return
    if _quietly(path, done):
        done.pruned += upkeep.prune(path)


def _quietly(path: Path, done: Tended) -> bool:
    try:
        upkeep.pack(path)
    except subprocess.SubprocessError as error:
        log.warning("%s could not be packed: %s", path, error)
        return False
    done.packed += 1
    return True


def _is_whole(tools: Tools, store: str) -> bool:
    """Tell whether all that the index knows of a store is under its refs."""
    for lab in tools.labs.in_store(store):
        newest = tools.revisions.find(lab, lab.revision)
        if newest is None or tools.repos.head(store, lab.uid) != newest.commit:
            return False
    return True
