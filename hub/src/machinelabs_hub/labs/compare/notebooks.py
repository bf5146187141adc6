"""Which cells of a notebook came, went, changed or moved; text, outputs and metadata apart."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from machinelabs_hub.labs.compare.files import Change
from machinelabs_hub.labs.compare.lines import Line, all_lines, changed_lines
from machinelabs_hub.labs.compare.near import near_pairs
from machinelabs_hub.labs.merge.align import rising

Cell = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """A cell on one side: its number from 1, and the cell as the notebook holds it."""

    number: int
    cell: Cell

    @property
    def kind(self) -> str:
        """`code`, `markdown`, `raw`, or what the notebook says."""
        kind = self.cell.get("cell_type")
        return kind if isinstance(kind, str) else ""

    @property
    def text(self) -> str:
        """Its source."""
        return text_of(self.cell.get("source"))

    @property
    def id(self) -> str:
        """Its id, or nothing."""
        name = self.cell.get("id")
        return name if isinstance(name, str) else ""


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell of either side or of both.

    Attributes:
        change: SAME where nothing that was asked for differs; MOVED: only its place does.
        moved: it stands elsewhere among the cells that are on both sides.
        lines: how its text changed; empty if it did not.
        outputs: whether its outputs differ.
        metadata: how its metadata changed.
    """

    change: Change
    before: Side | None
    after: Side | None
    moved: bool = False
    lines: tuple[Line, ...] = ()
    outputs: bool = False
    metadata: tuple[Line, ...] = ()

    @property
    def key(self) -> str:
        """What comments name it by: its id, or its number where it has none."""
        side = self.after or self.before
        if side is None:
            return ""
        return side.id or f"#{side.number}"


@dataclass(frozen=True, slots=True)
class NotebookChange:
    """All cells of both sides in the order of the new one, and what became of the metadata."""

    cells: tuple[CellChange, ...]
    metadata: tuple[Line, ...] = ()


def changed_cells(
    before: Sequence[Cell], after: Sequence[Cell], *, code_only: bool = False
) -> tuple[CellChange, ...]:
    """Return what became of each cell; a removed one stands after those it followed.

    Args:
        before: the old cells.
        after: the new cells.
        code_only: texts alone count; outputs and metadata may differ.
    """
    old = [Side(number, cell) for number, cell in enumerate(before, 1)]
    new = [Side(number, cell) for number, cell in enumerate(after, 1)]
    pairs = _paired(old, new)
    partner = {there: here for here, there in pairs}
    kept = {here for here, _ in pairs}
    steady = {pairs[at][0] for at in rising([here for here, _ in pairs])}
    found: list[CellChange] = []
    at = 0
    for position, side in enumerate(new):
        here = partner.get(position)
        if here is not None and here in steady:
            while at < here:
                if at not in kept:
                    found.append(_one_sided(old[at], None))
                at += 1
            at += 1
        if here is None:
            found.append(_one_sided(None, side))
        else:
            found.append(_both(old[here], side, moved=here not in steady, code_only=code_only))
    found += (_one_sided(old[left], None) for left in range(at, len(old)) if left not in kept)
    return tuple(found)


def changed_metadata(before: Any, after: Any) -> tuple[Line, ...]:
    """Return how metadata changed, as lines of JSON."""
    return changed_lines(_pretty(before), _pretty(after))


def text_of(value: Any) -> str:
    """Return a notebook's text: a string, or a list of its lines."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _paired(old: Sequence[Side], new: Sequence[Side]) -> list[tuple[int, int]]:
    """Return positions of the same cell on both sides, ordered by the new one."""
    pairs = _by_key([side.id for side in old], [side.id for side in new])
    # Programs that know no ids make new ones, so the same text is the same cell as well.
    for names in (_whole, _nearly):
        here, there = {at for at, _ in pairs}, {at for _, at in pairs}
        left = [at for at in range(len(old)) if at not in here]
        right = [at for at in range(len(new)) if at not in there]
        if not left or not right:
            break
        more = names([old[at] for at in left], [new[at] for at in right])
        pairs += [(left[one], right[other]) for one, other in more]
    return sorted(pairs, key=lambda pair: pair[1])


def _whole(old: Sequence[Side], new: Sequence[Side]) -> list[tuple[int, int]]:
    keys = [[f"{side.kind}\n{side.text}" if side.text else "" for side in some]
            for some in (old, new)]  # fmt: skip
    return _by_key(*keys)


def _nearly(old: Sequence[Side], new: Sequence[Side]) -> list[tuple[int, int]]:
    return near_pairs(
        [(side.kind, side.text) for side in old], [(side.kind, side.text) for side in new]
    )


def _by_key(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return positions of equal keys; the first of several goes with the first."""
    places: dict[str, list[int]] = {}
    for at, key in enumerate(old):
        if key:
            places.setdefault(key, []).append(at)
    for held in places.values():
        held.reverse()
    return [(places[key].pop(), at) for at, key in enumerate(new) if places.get(key)]


def _one_sided(before: Side | None, after: Side | None) -> CellChange:
    if after is not None:
        return CellChange(Change.ADDED, None, after, lines=all_lines(after.text, "+"))
    text = before.text if before else ""
    return CellChange(Change.REMOVED, before, None, lines=all_lines(text, "-"))


def _both(before: Side, after: Side, *, moved: bool, code_only: bool) -> CellChange:
    lines = changed_lines(before.text, after.text)
    outputs = False
    metadata: tuple[Line, ...] = ()
    if not code_only:
        outputs = _outputs(before.cell) != _outputs(after.cell)
        metadata = changed_metadata(_metadata(before.cell), _metadata(after.cell))
    change = Change.MOVED if moved else Change.SAME
    if lines or outputs or metadata or before.kind != after.kind or before.text != after.text:
        change = Change.CHANGED
    return CellChange(change, before, after, moved, lines, outputs, metadata)


def _outputs(cell: Cell) -> str:
    outputs = cell.get("outputs")
    # Run again with the same result is the same: counts differ then, and nothing else.
    return _pretty([
        {key: _joined(value) for key, value in output.items() if key != "execution_count"}
        if isinstance(output, dict) else output
        for output in (outputs if isinstance(outputs, list) else [])
    ])  # fmt: skip


def _joined(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _joined(part) for key, part in value.items()}
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return "".join(value)
    return value


def _metadata(cell: Cell) -> Any:
    about = cell.get("metadata")
    kept = {"metadata": about or {}, "cell_type": cell.get("cell_type")}
    # What is attached is as large as an image: a mark of it says whether it changed.
    attached = cell.get("attachments")
    if isinstance(attached, dict) and attached:
        kept["attachments"] = {name: _mark(held) for name, held in attached.items()}
    return kept


def _mark(value: Any) -> str:
    text = _pretty(value)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"{len(text)} characters, {digest[:12]}"


def _pretty(value: Any) -> str:
    try:
        return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        return repr(type(value))
