"""What differs between two files as HTML: lines, cells with their outputs side by side, images."""

import base64
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from machinelabs_hub.labs.compare.files import Change
from machinelabs_hub.labs.compare.lines import Line
from machinelabs_hub.labs.compare.notebooks import CellChange, NotebookChange, Side
from machinelabs_hub.labs.render import outputs
from machinelabs_hub.labs.render.fragments import fragment
from machinelabs_hub.labs.render.outputs import Shown

MOST_LINES: Final = 2_000
LONGEST_LINE: Final = 2_000
IMAGE_BYTES: Final = 1 << 20
"""Larger images are only named, with their sizes."""

_IMAGES: Final = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
    ".webp": "image/webp", ".svg": "image/svg+xml", ".avif": "image/avif", ".bmp": "image/bmp",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell that differs, as HTML; `key` is what comments name it by. Same cells have no key."""

    html: str
    key: str = ""
    title: str = ""


def show_cells(
    change: NotebookChange, *, folder: str = "", with_outputs: bool = True
) -> Iterator[ShownCell]:
    """Yield the cells that differ, and a line for those between that do not.

    Args:
        change: what became of the notebook.
        folder: the folder of the notebook; links to neighbours start there.
        with_outputs: False leaves the outputs out.
    """
    same = 0
    for cell in change.cells:
        if cell.change is Change.SAME:
            same += 1
            continue
        if same:
            yield _skipped(same)
            same = 0
        yield _cell(cell, folder, with_outputs=with_outputs)
    if same:
        yield _skipped(same)
    if change.metadata:
        html = fragment(
            "changed_metadata.html",
            rows=_rows(change.metadata),
            title="Notebook metadata",
            wraps=False,
        )
        yield ShownCell(html)


def show_lines(lines: tuple[Line, ...], *, more: bool = False, wraps: bool = False) -> str:
    """Return the lines of a text that differ (`more`: not all); prose wraps, code does not."""
    return fragment("changed_lines.html", rows=_rows(lines), more=more, wraps=wraps)


def show_image(name: str, before: bytes | None, after: bytes | None) -> str:
    """Return an image before and after, each None where it is not there or too large."""
    mime = _IMAGES.get(posixpath.splitext(name)[1].lower())
    sides = [
        f"data:{mime};base64,{base64.b64encode(side).decode()}" if mime and side else ""
        for side in (before, after)
    ]
    return fragment("changed_image.html", name=name, sides=sides) if any(sides) else ""


def _cell(cell: CellChange, folder: str, *, with_outputs: bool) -> ShownCell:
    title = _title(cell)
    sides = []
    if with_outputs and (cell.outputs or cell.change in {Change.ADDED, Change.REMOVED}):
        sides = [list(_outputs(side, folder)) for side in (cell.before, cell.after)]
    before, after = cell.before, cell.after
    html = fragment(
        "changed_cell.html",
        change=cell.change.value,
        title=title,
        words=_words(cell),
        rows=_rows(cell.lines[:MOST_LINES]),
        wraps=_is_prose(cell),
        more=len(cell.lines) > MOST_LINES,
        ends=bool(before and after and not cell.lines and before.text != after.text),
        sides=sides if any(sides) else [],
        one=before is None or after is None,
        metadata=_rows(cell.metadata),
    )
    return ShownCell(html, cell.key, title)


def _title(cell: CellChange) -> str:
    side = cell.after or cell.before
    kind = {"code": "Code cell", "markdown": "Text cell"}.get(side.kind if side else "", "Cell")
    return f"{kind} {side.number}" if side else kind


def _is_prose(cell: CellChange) -> bool:
    return all(side is None or side.kind == "markdown" for side in (cell.before, cell.after))


def _words(cell: CellChange) -> str:
    place = f"moved from {cell.before.number}" if cell.moved and cell.before else ""
    what = [
        word
        for word, holds in (
            ("text", cell.lines), ("outputs", cell.outputs), ("metadata", cell.metadata)
        )
        if holds
    ]  # fmt: skip
    match cell.change:
        case Change.ADDED | Change.REMOVED:
            return cell.change.value
        case Change.MOVED:
            return place
    said = f"changed: {', '.join(what)}" if what else "changed"
    return f"{said}, {place}" if place else said


def _outputs(side: Side | None, folder: str) -> Iterator[Shown]:
    if side is not None:
        for output in outputs.show_all(side.cell.get("outputs"), folder=folder, cell=side.number):
            if output.html:
                yield output


def _skipped(count: int) -> ShownCell:
    return ShownCell(fragment("same_cells.html", count=count))


def _rows(lines: Iterable[Line]) -> list[dict[str, object]]:
    names = {"+": "added", "-": "removed", " ": "same"}
    return [
        {
            "kind": "skipped" if line.skipped else names[line.sign],
            "sign": line.sign,
            "before": line.before or "",
            "after": line.after or "",
            "text": _cut(line.text),
            "skipped": line.skipped,
        }
        for line in lines
    ]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…"
