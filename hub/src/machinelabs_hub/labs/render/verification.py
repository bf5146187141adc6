"""What cells show in the revision and in the run that verified it, as HTML side by side."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from machinelabs_hub.labs.models.verification import CellResult, Same
from machinelabs_hub.labs.render import outputs
from machinelabs_hub.labs.render.notebook import BrokenNotebook, read
from machinelabs_hub.labs.render.outputs import Shown

MOST_CELLS: Final = 100
"""Cells whose two sides a page shows."""

Cell = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ShownResult:
    """A cell's result with what it shows on both sides; of cells that are the same, nothing."""

    cell: CellResult
    before: tuple[Shown, ...] = ()
    after: tuple[Shown, ...] = ()


def show_results(
    results: Iterable[CellResult], saved: bytes, executed: bytes, *, folder: str
) -> list[ShownResult]:
    """Return results with both sides of each cell that is not just the same.

    Args:
        results: what came of the cells.
        saved: the revision's notebook.
        executed: the run's.
        folder: the folder of the notebook; links to neighbours start there.
    """
    try:
        old, new = read(saved).cells, read(executed).cells
    except BrokenNotebook:
        return [ShownResult(cell) for cell in results]
    by_id = {cell["id"]: cell for cell in new if isinstance(cell.get("id"), str)}
    shown: list[ShownResult] = []
    left = MOST_CELLS
    for result in results:
        if result.same is Same.SAME or result.number > len(old) or not left:
            shown.append(ShownResult(result))
            continue
        left -= 1
        before = old[result.number - 1]
        name = before.get("id")
        after = by_id.get(name) if isinstance(name, str) else None
        if after is None:
            after = new[result.number - 1] if result.number <= len(new) else {}
        sides = (
            tuple(
                one
                for one in outputs.show_all(side.get("outputs"), folder=folder, cell=result.number)
                if one.html
            )
            for side in (before, after)
        )
        shown.append(ShownResult(result, *sides))
    return shown
