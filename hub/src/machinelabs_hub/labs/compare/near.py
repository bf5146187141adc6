"""Pair cells that have no ids by how near their texts are: nbdime's library decides.

nbdime looks at every pair of cells, so it is asked about few cells and the beginnings of their
texts only.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

MOST_PAIRS: Final = 400
"""Pairs of cells that are looked at; this many take less than a second."""
_LOOKED_AT: Final = 2_000
_SHORT: Final = 10


def near_pairs(
    before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]
) -> list[tuple[int, int]]:
    """Return positions of cells, given as type and text, that are near enough to be the same.

    With more than `MOST_PAIRS` to look at it finds none.
    """
    if not before or not after or len(before) * len(after) > MOST_PAIRS:
        return []
    changes = _differ()({"cells": _plain(before)}, {"cells": _plain(after)})
    return [
        (at, other)
        for at, other in _pairs(changes, len(before))
        # Any two short texts are near for nbdime.
        if max(len(before[at][1]), len(after[other][1])) >= _SHORT
    ]


@cache
def _differ() -> Any:
    # It brings 250 modules and takes a second: only those who need it wait for it.
    from nbdime.diffing.notebooks import diff_notebooks  # noqa: PLC0415

    return diff_notebooks


def _plain(cells: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"cell_type": kind, "source": text[:_LOOKED_AT], "metadata": {}, "outputs": []}
        for kind, text in cells
    ]


def _pairs(changes: Any, count: int) -> Iterator[tuple[int, int]]:
    steps = [step for change in changes if change.key == "cells" for step in change.diff]
    at = other = 0
    for step in steps:
        for same in range(at, step.key):
            yield same, other + same - at
        other += step.key - at
        at = step.key
        match step.op:
            case "addrange":
                other += len(step.valuelist)
            case "removerange":
                at += step.length
            case "patch":
                yield at, other
                at, other = at + 1, other + 1
    for same in range(at, count):
        yield same, other + same - at
