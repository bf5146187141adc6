"""Catch a folder up with the original of its lab, or with a newer revision of the lab itself.

What the `ml` command and the JupyterLab extension call; nothing else is needed:

    look(labs, link, source=Source.ORIGINAL, on_bytes=None) -> Update
        Say what an update would do. The folder stays as it is.
    update(labs, link, prints, source=Source.ORIGINAL, on_bytes=None) -> Update
        Send the folder's files, have them merged, lay the result. What was here before is kept in
        `.machinelabs/before/`, so it can be undone. Edits that are not published are merged too.
    undoable(link) -> Update | None
        The last update that can be undone, or None.
    undo(link) -> Undone
        Put every file back as it was before the last update, byte for byte.

`labs` is `Hub(...).labs`, `link` comes from `links.find`, `prints` is the process's
`Fingerprints`. `source` is `Source.ORIGINAL` (the lab that the folder's lab was forked from) or
`Source.NEWEST` (the newest revision of the folder's own lab, published elsewhere). All raise
`HubError`s, whose sentence can be shown; nothing was changed then. `Update.is_empty` tells that
there was nothing to take over. Publishing afterwards is `labs.revise` as always, with
`synced=state.synced`: that tells the site which revision of the original is merged in.
"""

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """What a folder is caught up with."""

    ORIGINAL = "original"
    """The newest revision of the lab that this one was forked from."""

    NEWEST = "newest"
    """The newest revision of the folder's own lab."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What an update does to one file.

    Attributes:
        path: where it is in the lab.
        change: `added`, `changed` or `removed` (as theirs), `merged` (of both), `conflict` (both
            sides are kept and marked), `kept` (yours stays although they removed it).
        note: a sentence about it; empty where `change` says all.
        conflicts: how many places in it are marked for you to decide.
    """

    path: str
    change: str
    note: str = ""
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class Update:
    """What an update does, or did.

    Attributes:
        lab: the folder's lab, `owner/name`.
        theirs: the lab whose changes are taken over.
        base: the revision of `theirs` that both sides come from.
        to: the revision of `theirs` that is taken over.
        files: what happens to each file that changes.
        beside: files of theirs that were laid under another name, because something that is no
            part of the lab stands at theirs: path -> where it was laid. Empty in a look.
    """

    lab: str
    theirs: str
    base: int
    to: int
    files: tuple[FileChange, ...]
    beside: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take over."""
        return not self.files

    @property
    def conflicts(self) -> int:
        """How many places are marked for the person to decide."""
        return sum(file.conflicts for file in self.files)


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of undoing an update.

    Attributes:
        update: the update that was undone.
        restored: the files that are as they were before.
        set_aside: files that were edited after the update: where the edited state is kept now.
    """

    update: Update
    restored: tuple[str, ...]
    set_aside: tuple[str, ...]
