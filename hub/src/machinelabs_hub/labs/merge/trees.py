"""Merge whole trees of files: each by what it is, and what cannot be merged is kept twice."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from machinelabs_hub.labs.merge.lines import merge_lines
from machinelabs_hub.labs.merge.notebooks import (
    NotANotebook,
    merge_notebooks,
    read,
    write,
)
from machinelabs_hub.labs.merge.report import CellChange, Change, FileChange, Names
from machinelabs_hub.labs.merge.values import same

NOTEBOOK: Final = ".ipynb"
_LONGEST_PART: Final = 255
_SNIFFED: Final = 8192


@dataclass(frozen=True, slots=True)
class Held:
    """A file as somebody has it; equal ids are equal bytes."""

    id: str
    size: int


Tree = Mapping[str, Held]


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be read into memory, and what a merged file must be.

    Attributes:
        names: how the sides are called.
        notebook_bytes: the largest notebook that is merged inside.
        text_bytes: the largest text that is merged inside.
        whole_bytes: how much all files that are merged inside may have together.
        accepts: tells whether a merged file can be part of a lab; if not, both are kept.
    """

    names: Names
    notebook_bytes: int = 32 << 20
    text_bytes: int = 4 << 20
    whole_bytes: int = 96 << 20
    accepts: Callable[[str, bytes], bool] = lambda _path, _content: True


@dataclass(slots=True)
class MergedTree:
    """Files that were merged: what I have, what they have, or bytes that are new."""

    files: dict[str, Held | bytes] = field(default_factory=dict)
    changes: list[FileChange] = field(default_factory=list)

    @property
    def conflicts(self) -> int:
        """How many places are marked for a person to decide."""
        return sum(change.conflicts for change in self.changes)


def merge_trees(
    base: Tree, mine: Tree, theirs: Tree, *, content: Callable[[Held], bytes], rules: Rules
) -> MergedTree:
    """Merge two trees of files that come from `base`.

    Args:
        base: the files that both sides come from, by path.
        mine: my files.
        theirs: theirs.
        content: gives the bytes of a file; only small ones are asked for.
        rules: limits and names.
    """
    merge = _TreeMerge(base, mine, theirs, content, rules)
    for path in sorted({*base, *mine, *theirs}):
        merge.path(path)
    return merge.finished()


def beside(path: str, mark: str) -> str:
    """Return where theirs lies beside mine: `a/main.py` -> `a/main (r5).py`."""
    pure = PurePosixPath(path)
    added = f" ({mark})"
    room = _LONGEST_PART - len(added.encode()) - len(pure.suffix.encode())
    stem = pure.stem.encode()[: max(room, 1)].decode(errors="ignore")
    return str(pure.with_name(f"{stem}{added}{pure.suffix}"))


@dataclass(slots=True)
class _TreeMerge:
    base: Tree
    mine: Tree
    theirs: Tree
    content: Callable[[Held], bytes]
    rules: Rules
    done: MergedTree = field(default_factory=MergedTree)
    _theirs_only: list[tuple[str, Held, FileChange]] = field(default_factory=list)
    _read: int = 0
    _files: set[str] = field(default_factory=set)
    _folders: set[str] = field(default_factory=set)

    def path(self, path: str) -> None:
        """Decide about one path."""
        was, here, there = (side.get(path) for side in (self.base, self.mine, self.theirs))
        if there in {here, was}:
            if here is not None:
                self.done.files[path] = here
        elif here == was:
            self._taken(path, here, there)
        elif there is None:
            self._kept(path, here)
        elif here is None:
            note = f"{self.rules.names.mine} removed it, {self.rules.names.theirs} changed it."
            change = FileChange(path, Change.KEPT, f"{note} It is back.", conflicts=1)
            self._theirs_only.append((path, there, change))
        else:
            self._both(path, was, here, there)

    def finished(self) -> MergedTree:
        """Lay what only they have where there is room, and return all."""
        for path in self.done.files:
            self._remember(path)
        for path, held, change in self._theirs_only:
            self._place(path, held, change)
        self.done.changes.sort(key=lambda change: change.path)
        return self.done

    def _taken(self, path: str, here: Held | None, there: Held | None) -> None:
        if there is None:
            self.done.changes.append(FileChange(path, Change.REMOVED))
        elif here is None:
            self._theirs_only.append((path, there, FileChange(path, Change.ADDED)))
        else:
            self.done.files[path] = there
            cells = self._cells(here, there) if path.endswith(NOTEBOOK) else ()
            self.done.changes.append(FileChange(path, Change.CHANGED, cells=cells))

    def _cells(self, here: Held, there: Held) -> tuple[CellChange, ...]:
        """Return what they changed in a notebook that is taken whole."""
        whole = here.size + there.size
        most = self.rules.notebook_bytes
        if max(here.size, there.size) > most or self._read + whole > self.rules.whole_bytes:
            return ()
        self._read += whole
        try:
            mine, theirs = read(self.content(here)), read(self.content(there))
            return merge_notebooks(mine, mine, theirs, self.rules.names).cells
        except (NotANotebook, RecursionError):
            return ()

    def _kept(self, path: str, here: Held | None) -> None:
        if here is None:
            return
        self.done.files[path] = here
        note = (
            f"{self.rules.names.theirs} removed it, {self.rules.names.mine} changed it. It stays."
        )
        self.done.changes.append(FileChange(path, Change.KEPT, note, conflicts=1))

    def _both(self, path: str, was: Held | None, here: Held, there: Held) -> None:
        if was is not None and self._inside(path, was, here, there):
            return
        self.done.files[path] = here
        what = "changed" if was is not None else "added"
        note = (
            f"Both {what} it, and it cannot be merged inside: yours stays, theirs lies beside it."
        )
        change = FileChange(path, Change.CONFLICT, note, conflicts=1)
        self._theirs_only.append((beside(path, self.rules.names.mark), there, change))

    def _inside(self, path: str, was: Held, here: Held, there: Held) -> bool:
        """Merge the content of a file; False if that cannot be done."""
        is_notebook = path.endswith(NOTEBOOK)
        most = self.rules.notebook_bytes if is_notebook else self.rules.text_bytes
        whole = was.size + here.size + there.size
        if (
            max(was.size, here.size, there.size) > most
            or self._read + whole > self.rules.whole_bytes
        ):
            return False
        sides = (self.content(was), self.content(here), self.content(there))
        found = self._notebook(path, *sides) if is_notebook else self._text(path, *sides)
        if found is None or not self.rules.accepts(path, found[0]):
            return False
        self._read += whole
        content, change = found
        self.done.files[path] = here if content == sides[1] else content
        self.done.changes.append(change)
        return True

    def _notebook(
        self, path: str, was: bytes, here: bytes, there: bytes
    ) -> tuple[bytes, FileChange] | None:
        try:
            trees = (read(was), read(here), read(there))
            merged = merge_notebooks(*trees, self.rules.names)
            content = here if same(merged.tree, trees[1]) else write(merged.tree)
        except (NotANotebook, RecursionError):
            return None
        note = ""
        if merged.asides:
            cells = "one place" if merged.asides == 1 else f"{merged.asides} places"
            note = (
                f"In {cells} both changed outputs or metadata: one is shown, the other kept in it."
            )
        change = Change.CONFLICT if merged.conflicts else Change.MERGED
        return content, FileChange(path, change, note, merged.conflicts, cells=merged.cells)

    def _text(
        self, path: str, was: bytes, here: bytes, there: bytes
    ) -> tuple[bytes, FileChange] | None:
        try:
            texts = [side.decode() for side in (was, here, there)]
        except UnicodeDecodeError:
            return None
        if any("\0" in text[:_SNIFFED] for text in texts):
            return None
        merged = merge_lines(*texts)
        change = Change.CONFLICT if merged.clashes else Change.MERGED
        names = self.rules.names
        content = merged.marked(names.mine, names.theirs).encode()
        return content, FileChange(path, change, conflicts=merged.clashes)

    def _place(self, path: str, held: Held, change: FileChange) -> None:
        """Lay a file of theirs, under another name if something of mine is in its way."""
        free, number = path, 1
        while self._is_in_the_way(free):
            mark = self.rules.names.mark + (f" {number}" if number > 1 else "")
            free, number = self._other_name(path, mark), number + 1
        self.done.files[free] = held
        self._remember(free)
        if free == path == change.path:
            self.done.changes.append(change)
            return
        note = change.note or f"Something of yours is called so: theirs is laid as “{free}”."
        self.done.changes.append(
            FileChange(change.path, Change.CONFLICT, note, conflicts=1, beside=free)
        )

    def _is_in_the_way(self, path: str) -> bool:
        key = _key(path)
        return key in self._files or key in self._folders or not self._files.isdisjoint(_above(key))

    def _remember(self, path: str) -> None:
        key = _key(path)
        self._files.add(key)
        self._folders.update(_above(key))

    def _other_name(self, path: str, mark: str) -> str:
        # Where a folder of theirs is a file of mine, the folder gets the other name.
        for folder in _above(path):
            if _key(folder) in self._files:
                return f"{folder} ({mark}){path[len(folder) :]}"
        return beside(path, mark)


def _above(path: str) -> Iterator[str]:
    """Yield the folders that `path` is in, the outermost first."""
    parts = path.split("/")
    for depth in range(1, len(parts)):
        yield "/".join(parts[:depth])


def _key(path: str) -> str:
    """Return what two paths share that are one file on some machines."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
