"""Merge notebooks of format 4: cells by id, texts by line, all else by key."""

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from machinelabs_hub.labs.merge import marks
from machinelabs_hub.labs.merge.cell import (
    MergedCell,
    merge_cell,
    removed_by_mine,
    removed_by_theirs,
)
from machinelabs_hub.labs.merge.cells import ID, Cell
from machinelabs_hub.labs.merge.order import Key, merge_order, moved
from machinelabs_hub.labs.merge.pairing import pair, pair_new
from machinelabs_hub.labs.merge.report import CellChange, Change, Names
from machinelabs_hub.labs.merge.values import merge_value

FORMAT: Final = 4
_WITH_IDS: Final = 5
"""The minor format from which on every cell has an id."""


class NotANotebook(ValueError):
    """The bytes are no notebook of format 4."""


@dataclass(frozen=True, slots=True)
class MergedNotebook:
    """A notebook that was merged.

    Attributes:
        tree: the notebook as JSON.
        cells: what happened to its cells, in their order.
        conflicts: how many places a person has to decide.
        asides: in how many cells something is kept out of sight.
    """

    tree: dict[str, Any]
    cells: tuple[CellChange, ...]
    conflicts: int
    asides: int


def read(content: bytes) -> dict[str, Any]:
    """Read a notebook.

    Raises:
        NotANotebook: it is none, or of another format.
    """
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotANotebook from error
    if (
        not isinstance(tree, dict)
        or tree.get("nbformat") != FORMAT
        or not isinstance(tree.get("cells"), list)
        or not all(isinstance(cell, dict) for cell in tree["cells"])
        or not isinstance(tree.get("metadata", {}), dict)
    ):
        raise NotANotebook
    return tree


def write(tree: Mapping[str, Any]) -> bytes:
    """Return a notebook as JupyterLab writes it."""
    text = json.dumps(tree, ensure_ascii=False, indent=1) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        # A lone surrogate is legal in JSON's escapes, and in no file.
        return (json.dumps(tree, indent=1) + "\n").encode()


def merge_notebooks(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any], names: Names
) -> MergedNotebook:
    """Merge two notebooks that come from `base`; all three are what `read` returns."""
    merge = _Merge(_cells(base), _cells(mine), _cells(theirs), names)
    merge.run()
    raws = [dict(raw) for raw in merge.raws]
    minor = _minor(raws, base, mine, theirs)
    if minor >= _WITH_IDS:
        _give_ids(raws)
    about, has_aside = _about(base, mine, theirs)
    tree = about | {"cells": raws, "nbformat": FORMAT, "nbformat_minor": minor}
    return MergedNotebook(
        tree=tree,
        cells=tuple(merge.changes),
        conflicts=merge.conflicts,
        asides=merge.asides + has_aside,
    )


def _cells(tree: Mapping[str, Any]) -> list[Cell]:
    return [Cell.of(raw) for raw in tree["cells"]]


def _about(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Merge what a notebook says beside its cells."""
    was, here, there = (
        {key: value for key, value in side.items() if key not in _COUNTED}
        for side in (base, mine, theirs)
    )
    done = merge_value(was, here, there)
    about: dict[str, Any] = done.value
    about["metadata"] = marks.with_values(about.get("metadata", {}), done.clashes)
    return about, bool(done.clashes)


_COUNTED: Final = frozenset({"cells", "nbformat", "nbformat_minor"})


def _minor(raws: Sequence[Mapping[str, Any]], *trees: Mapping[str, Any]) -> int:
    said = [tree.get("nbformat_minor") for tree in trees]
    minor = max(number if isinstance(number, int) else 0 for number in said)
    return max(minor, _WITH_IDS) if any("id" in raw for raw in raws) else minor


def _give_ids(raws: list[dict[str, Any]]) -> None:
    """Give every cell an id of its own; the first of two keeps the one they share."""
    taken: set[str] = set()
    for raw in raws:
        name = raw.get("id")
        is_good = isinstance(name, str) and ID.fullmatch(name) and name not in taken
        taken.add(str(name) if is_good else "")
        if not is_good:
            raw["id"] = ""
    for number, raw in enumerate(raws):
        if not raw["id"]:
            raw["id"] = _new_id(raw, number, taken)
            taken.add(raw["id"])


def _new_id(raw: Mapping[str, Any], number: int, taken: set[str]) -> str:
    # Made from the cell, not by chance: the same merge gives the same bytes.
    seed = json.dumps(raw.get("source"), sort_keys=True)
    while True:
        name = sha256(f"{number}\0{seed}".encode("utf-8", "replace")).hexdigest()[:12]
        if name not in taken:
            return name
        seed += "+"


@dataclass(slots=True)
class _Merge:
    """The cells of three notebooks, each under a key that is the same on all sides."""

    base: list[Cell]
    mine: list[Cell]
    theirs: list[Cell]
    names: Names
    raws: list[dict[str, Any]] = field(default_factory=list)
    changes: list[CellChange] = field(default_factory=list)
    conflicts: int = 0
    asides: int = 0

    def run(self) -> None:
        """Merge them."""
        mine, theirs = self._keys()
        base = list(range(len(self.base)))
        done: dict[Key, MergedCell | None] = {}
        for key in {*base, *mine, *theirs}:
            done[key] = self._merged(key, mine, theirs)
        kept = {key for key, cell in done.items() if cell is not None}
        their_moves = moved(base, list(theirs)) - moved(base, list(mine))
        order = merge_order(base, list(mine), list(theirs), kept=kept)
        # A report reads best where the cells are: what is gone is told where it was.
        gone = [key for key in base if key not in kept and key in mine]
        for key in self._told(order, gone, list(mine)):
            self._tell(key, done[key], mine, theirs, is_moved=key in their_moves)

    def _keys(self) -> tuple[dict[Key, Cell], dict[Key, Cell]]:
        """Return the cells of both sides by key: a cell of the base has its place there."""
        mine_pairs, their_pairs = pair(self.base, self.mine), pair(self.base, self.theirs)
        new = len(self.base)
        mine: dict[Key, Cell] = {}
        for at, cell in enumerate(self.mine):
            mine[mine_pairs.get(at, new + at)] = cell
        new_here = _new_by_place(self.mine, mine_pairs)
        new_there = _new_by_place(self.theirs, their_pairs)
        both: dict[int, Key] = {}
        for place, there in new_there.items():
            here = new_here.get(place, [])
            found = pair_new([self.mine[n] for n in here], [self.theirs[n] for n in there])
            both |= {there[n]: new + here[m] for n, m in found.items()}
        self._same_ids(mine_pairs, their_pairs, both)
        theirs: dict[Key, Cell] = {}
        for at, cell in enumerate(self.theirs):
            own = both.get(at, new + len(self.mine) + at)
            theirs[their_pairs.get(at, own)] = cell
        return mine, theirs

    def _same_ids(
        self, mine_pairs: Mapping[int, int], their_pairs: Mapping[int, int], both: dict[int, Key]
    ) -> None:
        """Pair new cells of one id that stand in two places."""
        here = [n for n in range(len(self.mine)) if n not in mine_pairs]
        there = [n for n in range(len(self.theirs)) if n not in their_pairs and n not in both]
        taken = set(both.values())
        by_id = {self.mine[n].id: n for n in here if self.mine[n].id}
        for at in there:
            at_mine = by_id.get(self.theirs[at].id)
            if at_mine is None or len(self.base) + at_mine in taken:
                continue
            if self.mine[at_mine].source == self.theirs[at].source:
                both[at] = len(self.base) + at_mine
                taken.add(both[at])

    def _merged(
        self, key: Key, mine: Mapping[Key, Cell], theirs: Mapping[Key, Cell]
    ) -> MergedCell | None:
        base = self.base[key] if key < len(self.base) else None
        here, there = mine.get(key), theirs.get(key)
        if here and there:
            return merge_cell(base, here, there, self.names)
        if base is None:
            only = here or there
            return MergedCell((dict(only.raw),)) if only else None
        if here and here.is_edit_of(base):
            return removed_by_theirs(here, self.names)
        if there and there.is_edit_of(base):
            return removed_by_mine(there, self.names)
        return None

    def _told(self, order: list[Key], gone: list[Key], mine: list[Key]) -> Iterator[Key]:
        places = {key: at for at, key in enumerate(mine)}
        waiting = deque(sorted(gone, key=places.__getitem__))
        for key in order:
            while waiting and key in places and places[waiting[0]] < places[key]:
                yield waiting.popleft()
            yield key
        yield from waiting

    def _tell(
        self,
        key: Key,
        done: MergedCell | None,
        mine: Mapping[Key, Cell],
        theirs: Mapping[Key, Cell],
        *,
        is_moved: bool,
    ) -> None:
        """Take a merged cell into the result and into the report."""
        base = self.base[key] if key < len(self.base) else None
        here, there = mine.get(key), theirs.get(key)
        cell = here or there
        if cell is None:
            return
        number = len(self.raws) + 1 if done else 0
        if done:
            self.raws += done.raws
            self.conflicts += done.is_conflict
            self.asides += bool(done.asides)
        change = _change(base, here, there, done, is_moved=is_moved)
        if change is None:
            return
        result = Cell.of(done.raws[-1]).source if done and not _has_two(done) else None
        self.changes.append(
            CellChange(
                number=number,
                change=change,
                kind=Cell.of(done.raws[-1]).kind if done else cell.kind,
                mine=_shown(here.source) if here else None,
                theirs=_shown(there.source) if there else None,
                result=result and _shown(result),
                note=_note(change, here, there, done, self.names),
            )
        )


def _shown(text: str) -> str:
    """Return a text that any file can hold: a lone half of a character is none."""
    return text.encode("utf-8", "replace").decode()


def _has_two(done: MergedCell) -> bool:
    return len(done.raws) > 2  # noqa: PLR2004 - a line, mine and theirs


def _new_by_place(cells: Sequence[Cell], pairs: Mapping[int, int]) -> dict[int, list[int]]:
    """Return the new cells by the cell of the base that stands before them (-1: none)."""
    found: dict[int, list[int]] = {}
    before = -1
    for at in range(len(cells)):
        if at in pairs:
            before = pairs[at]
        else:
            found.setdefault(before, []).append(at)
    return found


def _change(
    base: Cell | None,
    here: Cell | None,
    there: Cell | None,
    done: MergedCell | None,
    *,
    is_moved: bool,
) -> Change | None:
    """Return what theirs changed about a cell of mine; None: nothing."""
    if done is None:
        return Change.REMOVED if here else None
    if done.is_conflict:
        return Change.CONFLICT if here and there else Change.KEPT
    if here is None:
        return Change.ADDED
    if there is None or there.is_like(here):
        return Change.MOVED if is_moved else None
    if base is not None and there.is_like(base):
        return Change.MOVED if is_moved else None
    return Change.CHANGED if base is not None and here.is_like(base) else Change.MERGED


def _note(
    change: Change, here: Cell | None, there: Cell | None, done: MergedCell | None, names: Names
) -> str:
    if change is Change.KEPT:
        who, other = (names.theirs, names.mine) if here else (names.mine, names.theirs)
        return f"{who} deleted it, {other} changed it."
    if done and done.asides:
        return f"Both changed its {' and '.join(done.asides)}; what is not shown is kept in it."
    if here and there and here.source == there.source and change is not Change.MOVED:
        if here.kind != there.kind:
            return f"It becomes {there.kind}." if change is Change.CHANGED else ""
        return "Only its outputs, attachments or metadata change."
    return ""
