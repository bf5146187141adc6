"""What a merge did: to each file, and to each cell of a notebook."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Names:
    """How the two sides are called where people read it.

    Attributes:
        mine: e.g. `grace/digits`.
        theirs: e.g. `ada/digits r5`.
        mark: what a file of theirs gets into its name where both are kept, e.g. `r5`.
    """

    mine: str
    theirs: str
    mark: str


class Change(StrEnum):
    """What a merge did to a file or a cell."""

    ADDED = "added"
    """Taken from theirs; I had none."""

    CHANGED = "changed"
    """Theirs, which I had not changed."""

    REMOVED = "removed"
    """They removed it, and I had not changed it."""

    MERGED = "merged"
    """Of both, without a clash."""

    CONFLICT = "conflict"
    """Both sides are kept and marked."""

    KEPT = "kept"
    """One side removed what the other changed: it stays, marked."""

    MOVED = "moved"
    """A cell that they moved."""


@dataclass(frozen=True, slots=True)
class CellChange:
    """What happened to one cell.

    Attributes:
        number: its place in the result, from 1; 0 if it is not there any more.
        change: what happened.
        kind: `code`, `markdown` or `raw`.
        mine: its text as I had it; None if I had no such cell.
        theirs: its text as they have it; None if they have none.
        result: its text in the result; None if it is not there, or is there in both versions.
        note: a sentence; empty where the change says all.
    """

    number: int
    change: Change
    kind: str
    mine: str | None
    theirs: str | None
    result: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What happened to one file.

    Attributes:
        path: where it is.
        change: what happened.
        note: a sentence; empty where the change says all.
        conflicts: how many places are marked in it.
        beside: where theirs lies if both are kept as files.
        cells: what happened inside, if it is a notebook that was merged.
    """

    path: str
    change: Change
    note: str = ""
    conflicts: int = 0
    beside: str | None = None
    cells: tuple[CellChange, ...] = ()
