"""Compare two revisions: of one lab, of a fork and what it came from, of any two one may read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from machinelabs_hub.errors import BadInput, NotFound
from machinelabs_hub.labs.compare.files import Change, FileChange, changed_files
from machinelabs_hub.labs.compare.lines import Line, all_lines, changed_lines
from machinelabs_hub.labs.compare.notebooks import (
    NotebookChange,
    changed_cells,
    changed_metadata,
)
from machinelabs_hub.labs.models.access import Action, may
from machinelabs_hub.labs.models.lab import Lab, Parent
from machinelabs_hub.labs.models.page import Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_place, write_place
from machinelabs_hub.labs.models.revision import FileEntry
from machinelabs_hub.labs.render import files as kinds
from machinelabs_hub.labs.render import notebook as notebooks
from machinelabs_hub.labs.render.files import Kind, kind_of
from machinelabs_hub.labs.services.revisions import Number, RevisionService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_at
from machinelabs_hub.names import shown

FILES_AT_ONCE: Final = 20
_TEXT_MIB: Final = 1
_NOTEBOOK_MIB: Final = 25
_BYTES_AT_ONCE: Final = 48 << 20
_LINES: Final = 2_000
"""Lines of a text that are given."""
_ROWS_AT_ONCE: Final = 20_000
"""Lines and cells of all files together that are given at once."""
_CELLS: Final = 10_000
_LIST: Final = "compare"
_NAME: Final = re.compile(r"r?([1-9][0-9]{0,8})")


class BadRevisionName(BadInput):
    """What should name a revision does not."""

    code = "bad_revision_name"


@dataclass(frozen=True, slots=True)
class Place:
    """One side of a comparison: a revision of a lab, and the commit that holds its files."""

    path: str
    number: int
    store: str
    commit: str


@dataclass(frozen=True, slots=True)
class Texts:
    """How a text file changed; no lines where only line ends did. `more`: there are others."""

    lines: tuple[Line, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Unshown:
    """A change that is not shown as text: a sentence says why; empty for an image."""

    why: str


Content = NotebookChange | Texts | Unshown


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that differs, and how."""

    file: FileChange
    content: Content


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two revisions: how many files differ, and some of them."""

    before: Place
    after: Place
    count: int
    files: Page[Changed]


class CompareService:
    """Comparisons of what `viewer` may read."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._revisions = RevisionService(tools=tools, viewer=viewer)
        self._viewer = viewer

    def compare(
        self,
        lab: Lab,
        *,
        to: str = "",
        since: str = "",
        other: str = "",
        code_only: bool = False,
        cursor: str = "",
    ) -> Comparison:
        """Compare a revision of `lab` with an earlier one, or with one of another lab.

        Args:
            lab: it may be read; the new side.
            to: its revision, as people write it (`r3`); empty: the newest.
            since: the old side's revision; empty: the one before, or of a parent the one that
                was forked.
            other: the lab of the old side as `owner/name`; empty: `lab` itself.
            code_only: outputs and metadata of notebooks do not count.
            cursor: where the list of files goes on.

        Raises:
            NoLab: there is no other lab of that name, or none that the viewer may see.
            NoRevision: one of them has no such revision.
        """
        after = self._place(lab, _number(to) or "latest")
        if other and other != lab.path:
            before = self._elsewhere(lab, other, _number(since))
        else:
            before = self._place(lab, _number(since) or max(1, after.number - 1))
        return self.between(before, after, code_only=code_only, cursor=cursor)

    def between(
        self, before: Place, after: Place, *, code_only: bool = False, cursor: str = ""
    ) -> Comparison:
        """Compare two places; whoever calls knows that the viewer may read both."""
        changes = changed_files(self._files(before), self._files(after))
        start = read_place(cursor, _LIST) if cursor else 0
        some = _some(changes[start:])
        end = start + len(some)
        items = []
        rows = 0
        for change in some:
            content = self._content(before, after, change, code_only=code_only)
            rows += _rows_of(content)
            if rows > _ROWS_AT_ONCE:
                rows -= _rows_of(content)
                content = Unshown("Too much differs in it to be shown here. Download both sides.")
            items.append(Changed(change, content))
        more = write_place(_LIST, end) if end < len(changes) else None
        return Comparison(before, after, len(changes), Page(tuple(items), more))

    def image(self, place: Place, entry: FileEntry | None, most: int) -> bytes | None:
        """Return the bytes of an image of one side if it has at most `most`, else None."""
        if entry is None or entry.size > most:
            return None
        return self._tools.repos.read(place.store, entry.blob)

    def _place(self, lab: Lab, number: Number) -> Place:
        found = self._revisions.find(lab, number)
        return Place(lab.path, found.number, lab.store, found.commit)

    def _elsewhere(self, lab: Lab, other: str, number: int | None) -> Place:
        owner, _, name = other.partition("/")
        parent = self._parent_of(lab)
        is_parent = parent is not None and (parent.owner, parent.name) == (owner, name)
        wanted = number or (parent.revision if parent and is_parent else None)
        try:
            return self._place(lab_at(self._tools, self._viewer, owner, name), wanted or "latest")
        except NotFound:
            if parent is None or not is_parent or wanted != parent.revision:
                raise
        # A fork begins with just the files that were forked, whatever became of the parent.
        mine = self._place(lab, 1)
        return Place(f"{owner}/{name}", parent.revision, mine.store, mine.commit)

    def _parent_of(self, lab: Lab) -> Parent | None:
        if lab.parent is not None or not may(self._viewer, Action.EDIT, lab):
            return lab.parent
        # Who holds the fork knew its parent when they forked it.
        whole = self._tools.labs.get(lab.uid)
        return whole.parent if whole else None

    def _files(self, place: Place) -> tuple[FileEntry, ...]:
        return self._tools.repos.manifest(place.store, place.commit)

    def _content(
        self, before: Place, after: Place, change: FileChange, *, code_only: bool
    ) -> Content:
        if change.kind is Change.MOVED:
            return Unshown("Only its name changed.")
        kind = kind_of(change.path)
        if kind in {Kind.IMAGE, Kind.BINARY}:
            return Unshown("" if kind is Kind.IMAGE else "It is not text.")
        is_notebook = kind is Kind.NOTEBOOK
        most = min(_NOTEBOOK_MIB, self._tools.settings.limits.notebook_mib)
        mib = most if is_notebook else _TEXT_MIB
        if any(side and side.size > mib << 20 for side in (change.before, change.after)):
            return Unshown(
                f"It is larger than {mib} MiB, too large to be compared here. Download both sides."
            )
        old, new = self._read(before, change.before), self._read(after, change.after)
        return content_of(change.path, old, new, code_only=code_only)

    def _read(self, place: Place, entry: FileEntry | None) -> bytes | None:
        return None if entry is None else self._tools.repos.read(place.store, entry.blob)


def content_of(
    path: str, before: bytes | None, after: bytes | None, *, code_only: bool = False
) -> Content:
    """Return how the content of a notebook or a text changed; None: it is not there."""
    if kind_of(path) is Kind.NOTEBOOK:
        return _notebook(before, after, code_only=code_only)
    return _texts(before, after)


def _number(text: str) -> int | None:
    """Return the number in `r3` or `3`; None for nothing and for `latest`."""
    if text in {"", "latest"}:
        return None
    match = _NAME.fullmatch(text.strip())
    if match is None:
        raise BadRevisionName(
            f"“{shown(text)}” is not a revision. Write its number, such as r3, or latest."
        )
    return int(match.group(1))


def _some(changes: Sequence[FileChange]) -> list[FileChange]:
    """Return the first changes: as many as can be shown at once, at least one."""
    total = 0

    def fits(change: FileChange) -> bool:
        nonlocal total
        is_first = total == 0
        total += sum(side.size for side in (change.before, change.after) if side) + 1
        return is_first or total <= _BYTES_AT_ONCE

    return list(takewhile(fits, changes[:FILES_AT_ONCE]))


def _texts(before: bytes | None, after: bytes | None) -> Content:
    if not all(kinds.is_text(side) for side in (before, after) if side is not None):
        return Unshown("It is not text.")
    if before is None:
        lines = all_lines(kinds.decode(after or b""), "+")
    elif after is None:
        lines = all_lines(kinds.decode(before), "-")
    else:
        lines = changed_lines(kinds.decode(before), kinds.decode(after))
    return Texts(lines[:_LINES], len(lines) > _LINES)


def _notebook(before: bytes | None, after: bytes | None, *, code_only: bool) -> Content:
    try:
        old = notebooks.read(before) if before is not None else notebooks.Notebook([], "")
        new = notebooks.read(after) if after is not None else notebooks.Notebook([], "")
    except notebooks.BrokenNotebook:
        return _texts(before, after)
    if max(len(old.cells), len(new.cells)) > _CELLS:
        return Unshown(f"It has more than {_CELLS:,} cells, too many to be compared here.")
    cells = changed_cells(old.cells, new.cells, code_only=code_only)
    both = before is not None and after is not None
    about = changed_metadata(old.metadata, new.metadata) if both and not code_only else ()
    return NotebookChange(cells, about)


def _rows_of(content: Content) -> int:
    match content:
        case NotebookChange():
            changed = (cell for cell in content.cells if cell.change is not Change.SAME)
            return sum(1 + len(cell.lines) + len(cell.metadata) for cell in changed) + len(
                content.metadata
            )
        case Texts():
            return len(content.lines)
        case Unshown():
            return 0
