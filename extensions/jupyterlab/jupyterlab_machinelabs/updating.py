"""Catch a lab here up with its original, or with what was published elsewhere; and undo that."""

from collections.abc import Callable
from typing import Any

from jupyterlab_machinelabs.targets import Targets
from machinelabs import Hub
from machinelabs.fingerprints import Fingerprints
from machinelabs.update import Source, Update, look, undo, update


class Updating:
    """Merges newer revisions into the folders of this server."""

    def __init__(
        self, *, hub: Hub, targets: Targets, prints: Fingerprints, forget: Callable[[str], None]
    ) -> None:
        self._hub = hub
        self._targets = targets
        self._prints = prints
        self._forget = forget

    def look(self, path: str, source: Source) -> dict[str, Any]:
        """Return what an update of the lab of `path` would do; nothing changes."""
        link = self._targets.need_linked(path)
        self._forget(path)
        return _json(look(self._hub.labs, link, source=source))

    def update(self, path: str, source: Source) -> dict[str, Any]:
        """Merge what is newer into the files of the lab of `path`; undoable."""
        link = self._targets.need_linked(path)
        done = update(self._hub.labs, link, self._prints, source=source)
        self._forget(path)
        return _json(done) | {"folder": self._targets.name(link.root)}

    def undo(self, path: str) -> dict[str, Any]:
        """Put the files of the lab of `path` back as they were before its last update."""
        link = self._targets.need_linked(path)
        undone = undo(link)
        self._forget(path)
        return {
            "folder": self._targets.name(link.root),
            "to": undone.update.to,
            "restored": list(undone.restored),
            "set_aside": list(undone.set_aside),
        }


def _json(found: Update) -> dict[str, Any]:
    return {
        "lab": found.lab,
        "theirs": found.theirs,
        "base": found.base,
        "to": found.to,
        "conflicts": found.conflicts,
        "files": [
            {"path": file.path, "change": file.change, "note": file.note,
             "conflicts": file.conflicts}
            for file in found.files
        ],
        "beside": [laid for _, laid in found.beside],
    }  # fmt: skip
