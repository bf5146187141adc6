"""Merge one cell of a notebook, field by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from machinelabs_hub.labs.merge import marks
from machinelabs_hub.labs.merge.cells import Cell, has_new, lasting, lines_of, same_outputs
from machinelabs_hub.labs.merge.lines import MergedLines, merge_lines
from machinelabs_hub.labs.merge.report import Names
from machinelabs_hub.labs.merge.values import MISSING, merge_value, same


@dataclass(frozen=True, slots=True)
class MergedCell:
    """A cell that was merged.

    Attributes:
        raws: the cells that stand for it: one, or three in a conflict (a line, mine, theirs).
        is_conflict: whether a person has to decide.
        asides: what of theirs or mine is kept out of sight, in words.
    """

    raws: tuple[dict[str, Any], ...]
    is_conflict: bool = False
    asides: tuple[str, ...] = ()


def merge_cell(base: Cell | None, mine: Cell, theirs: Cell, names: Names) -> MergedCell:
    """Merge two states of a cell; `base` is None for a cell that both added."""
    if mine.is_like(theirs) or (base is not None and theirs.is_like(base)):
        return MergedCell((dict(mine.raw),))
    if base is not None and mine.is_like(base):
        return MergedCell((_named(theirs.raw, mine.id),))
    was = base or Cell.empty(mine.kind)
    kind = _three(was.kind, mine.kind, theirs.kind)
    if kind is None or _has_no_place(was, mine, theirs, kind):
        return _both(dict(mine.raw), dict(theirs.raw), names)
    attachments = _attachments(was, mine, theirs)
    if attachments is None:
        return _both(dict(mine.raw), dict(theirs.raw), names)
    return _Fields(was, mine, theirs, names, kind, attachments).merged()


def removed_by_mine(theirs: Cell, names: Names) -> MergedCell:
    """Return a cell that I removed and they changed: it is back, marked."""
    return _one_side("removed", "theirs", theirs, names)


def removed_by_theirs(mine: Cell, names: Names) -> MergedCell:
    """Return a cell that they removed and I changed: it stays, marked."""
    return _one_side("kept", "mine", mine, names)


def _one_side(kind: str, side: str, cell: Cell, names: Names) -> MergedCell:
    return MergedCell(
        (marks.note(kind, names), marks.marked(cell.raw, kind, side, names)), is_conflict=True
    )


def _both(mine: dict[str, Any], theirs: dict[str, Any], names: Names) -> MergedCell:
    return MergedCell(
        (
            marks.note("both", names),
            marks.marked(mine, "both", "mine", names),
            marks.marked(theirs, "both", "theirs", names),
        ),
        is_conflict=True,
    )


def _named(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(raw) | ({"id": name} if name else {})


def _three(base: Any, mine: Any, theirs: Any) -> Any:
    """Return the side that changed, or None if both did, each in its own way."""
    if mine in {theirs, base}:
        return theirs
    return mine if theirs == base else None


def _has_no_place(base: Cell, mine: Cell, theirs: Cell, kind: str) -> bool:
    """Tell whether a side changed what a cell of the merged kind cannot hold."""
    if kind == "code":
        return any(has_new(base.attachments, side.attachments) for side in (mine, theirs))
    return any(
        side.outputs and not same_outputs(side.outputs, base.outputs) for side in (mine, theirs)
    )


def _attachments(base: Cell, mine: Cell, theirs: Cell) -> dict[str, Any] | None:
    """Merge attachments, each as a whole; None: both changed one."""
    merged: dict[str, Any] = {}
    for name in [
        *mine.attachments,
        *(key for key in theirs.attachments if key not in mine.attachments),
    ]:
        was, here, there = (side.attachments.get(name, MISSING) for side in (base, mine, theirs))
        if same(here, there) or same(there, was):
            value = here
        elif same(here, was) or here is MISSING:
            value = there
        elif there is MISSING:
            value = here
        else:
            return None
        if value is not MISSING:
            merged[name] = value
    return merged


@dataclass(frozen=True, slots=True)
class _Fields:
    base: Cell
    mine: Cell
    theirs: Cell
    names: Names
    kind: str
    attachments: dict[str, Any]

    def merged(self) -> MergedCell:
        lines = merge_lines(self.base.source, self.mine.source, self.theirs.source)
        if lines.clashes:
            return _both(
                self._cell(lines.mine, self.mine, aside=False)[0],
                self._cell(lines.theirs, self.theirs, aside=False)[0],
                self.names,
            )
        shown = self._shown(lines)
        raw, asides = self._cell(lines.mine, shown, aside=True)
        return MergedCell((raw,), asides=asides)

    def _shown(self, lines: MergedLines) -> Cell:
        """Return the side whose outputs the merged cell shows."""
        base, mine, theirs = (side.outputs for side in (self.base, self.mine, self.theirs))
        if same_outputs(mine, theirs) or same_outputs(theirs, base):
            return self.mine
        if same_outputs(mine, base) or not mine:
            return self.theirs
        is_their_text = lines.mine == self.theirs.source != self.mine.source
        return self.theirs if theirs and is_their_text else self.mine

    def _other_outputs(self, shown: Cell) -> Sequence[Any]:
        """Return what the other side printed, if that would be lost."""
        other = self.theirs if shown is self.mine else self.mine
        is_known = same_outputs(other.outputs, shown.outputs) or same_outputs(
            other.outputs, self.base.outputs
        )
        return () if is_known else other.outputs

    def _cell(
        self, source: str, shown: Cell, *, aside: bool
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return the cell with `source` and the outputs of `shown`.

        With `aside` what the other side has otherwise is kept in the metadata; without, the other
        side stands in a cell of its own.
        """
        other = self.theirs if shown is self.mine else self.mine
        metadata = merge_value(
            dict(self.base.metadata), dict(self.mine.metadata), dict(self.theirs.metadata)
        )
        more = merge_value(
            dict(self.base.more), dict(self.mine.more), dict(self.theirs.more), "cell"
        )
        clashes = {**lasting(metadata.clashes), **more.clashes}
        raw: dict[str, Any] = {"cell_type": self.kind, **more.value}
        if shown.id or other.id:
            raw["id"] = (self.mine.id or self.theirs.id) if aside else shown.id
        said = marks.with_values(metadata.value, clashes)
        asides = ["metadata"] if clashes else []
        raw["source"] = self._as_kept(source)
        if self.kind == "code":
            raw["outputs"] = list(shown.outputs)
            raw["execution_count"] = shown.count
            outputs = self._other_outputs(shown) if aside else ()
            if outputs:
                side = "theirs" if other is self.theirs else "mine"
                said = marks.with_outputs(said, side, outputs, self.names)
                asides.append("outputs")
        elif self.attachments:
            raw["attachments"] = self.attachments
        raw["metadata"] = said
        return raw, tuple(asides)

    def _as_kept(self, source: str) -> str | list[str]:
        is_list = isinstance(self.mine.raw.get("source"), list)
        return lines_of(source) if is_list else source
