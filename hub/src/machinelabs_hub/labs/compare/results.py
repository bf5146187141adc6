"""Whether an executed notebook shows what a saved one shows, cell by cell."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from machinelabs_hub.labs.compare.pictures import Pictures
from machinelabs_hub.labs.compare.texts import Near, compare_texts, text_of_html
from machinelabs_hub.labs.models.verification import CellResult, Same

Cell = Mapping[str, Any]

MOST_CELLS: Final = 2_000
LONGEST_TITLE: Final = 80

_PICTURES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
_DRAWINGS: Final = "image/svg+xml"
_HTML: Final = "text/html"
_ALIVE: Final = "application/vnd.jupyter.widget-view+json"
"""A widget is nothing without its kernel: its name is another in each run."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """One thing that a cell shows: what it printed, a result, an error."""

    kind: str
    data: Mapping[str, Any]


def compare_cells(saved: Sequence[Cell], executed: Sequence[Cell]) -> tuple[CellResult, ...]:
    """Return what came of each code cell of a saved notebook that was executed again."""
    old = [(at, cell) for at, cell in enumerate(saved, 1) if _is_code(cell)][:MOST_CELLS]
    new = [cell for cell in executed if _is_code(cell)]
    by_id = {cell["id"]: cell for cell in new if isinstance(cell.get("id"), str)}
    found, pictures = [], Pictures()
    for place, (number, cell) in enumerate(old):
        name = cell.get("id")
        twin = by_id.get(name) if isinstance(name, str) else None
        if twin is None and place < len(new) and _source(new[place]) == _source(cell):
            twin = new[place]
        found.append(_result(number, cell, twin, pictures))
    return tuple(found)


def _result(number: int, before: Cell, after: Cell | None, pictures: Pictures) -> CellResult:
    source = _source(before).strip()
    same, why = (Same.NOTHING, "") if not source else _how(before, after, pictures)
    title = source.partition("\n")[0][:LONGEST_TITLE]
    return CellResult(number, _writable(title), same, _writable(why))


def _writable(text: str) -> str:
    # JSON may hold half of a pair of signs, which nobody can be told.
    return text.encode("utf-8", "replace").decode()


def _how(before: Cell, after: Cell | None, pictures: Pictures) -> tuple[Same, str]:
    if after is None or (after.get("execution_count") is None and not after.get("outputs")):
        return Same.DIFFERS, "It was not executed."
    old, new = _shown(before), _shown(after)
    if any(one.kind == "error" for one in new) and not any(one.kind == "error" for one in old):
        return Same.FAILED, "It raises an error."
    if not old and before.get("execution_count") is None:
        return Same.NOTHING, ""
    worst = Near.SAME
    for one, other in zip(old, new, strict=False):
        near, why = _compare(one, other, pictures)
        if near is Near.FAR:
            return Same.DIFFERS, why
        worst = max(worst, near)
    if len(old) != len(new):
        less = "less" if len(new) < len(old) else "more"
        return Same.DIFFERS, f"It shows {less} than the revision."
    return (Same.NEAR if worst is Near.NEAR else Same.SAME), ""


def _compare(before: _Shown, after: _Shown, pictures: Pictures) -> tuple[Near, str]:
    if before.kind != after.kind:
        return Near.FAR, "It shows something of another kind."
    old, new = before.data, after.data
    if _ALIVE in old or _ALIVE in new:
        return Near.SAME, ""
    # Pictures say more than the words beside them; what is neither is the data of a drawing.
    others = sorted({*old, *new} - {*_PICTURES, _HTML, _DRAWINGS, "text/plain"})
    for mime in (*_PICTURES, *others):
        if (mime in old) != (mime in new):
            return Near.FAR, "It shows something of another kind."
        if mime in old:
            was, now = _text(old[mime]), _text(new[mime])
            if mime in _PICTURES:
                return _compare_packed(was, now, pictures)
            return compare_texts(was, now)
    return _compare_words(old, new)


def _compare_words(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Near, str]:
    for mime in (_DRAWINGS, _HTML):
        if mime in old and mime in new:
            # The names inside a drawing, and of its parts, are made anew by each run.
            was, now = (text_of_html(_text(side[mime])) for side in (old, new))
            if was.strip() or now.strip():
                return compare_texts(was, now)
    return compare_texts(_text(old.get("text/plain")), _text(new.get("text/plain")))


def _compare_packed(before: str, after: str, pictures: Pictures) -> tuple[Near, str]:
    try:
        was, now = (base64.b64decode(side) for side in (before, after))
    except (binascii.Error, ValueError):
        return Near.FAR, "The picture is broken."
    return pictures.compare(was, now)


def _shown(cell: Cell) -> list[_Shown]:
    """Return what a cell shows: all that it printed as one, then the rest; no warnings."""
    outputs = cell.get("outputs")
    printed, rest = [], []
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, dict):
            continue
        match output.get("output_type"):
            case "stream":
                if output.get("name") != "stderr":
                    printed.append(_text(output.get("text")))
            case "error":
                said = f"{output.get('ename')}: {output.get('evalue')}"
                rest.append(_Shown("error", {"text/plain": said}))
            case "display_data" | "execute_result" | "pyout":
                data = output.get("data")
                rest.append(_Shown("result", data if isinstance(data, dict) else {}))
    words = "".join(printed)
    return ([_Shown("printed", {"text/plain": words})] if words.strip() else []) + rest


def _is_code(cell: Cell) -> bool:
    return cell.get("cell_type") == "code"


def _source(cell: Cell) -> str:
    return _text(cell.get("source"))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "".join(value)
    return "" if value is None else json.dumps(value, sort_keys=True)
