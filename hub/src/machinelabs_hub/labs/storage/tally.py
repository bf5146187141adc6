"""What labs can be narrowed by: a list of labs comes as one text and is counted here."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import FromClause, ScalarSelect, select

from machinelabs_hub.db.lists import json_row, lines_of, one_text, rows_of
from machinelabs_hub.db.tables.labs import LabRow, LabTagRow
from machinelabs_hub.labs.models.page import Facets, FacetValue

MOST_VALUES: Final = 24

COLUMNS: Final = {
    "image": LabRow.image,
    "flavour": LabRow.flavour,
    "language": LabRow.language,
    "licence": LabRow.licence,
    "has_outputs": LabRow.has_outputs,
    "runs_clean": LabRow.runs_clean,
}
_TRUE_ALONE: Final = {"has_outputs", "runs_clean"}
"""That a lab does not run clean, or that nobody knows, is nothing to look for."""

SAID: Final = json_row(*COLUMNS.values()).label("said")
"""What a list of labs must have, besides `id`, to be counted."""


def texts_of(labs: FromClause) -> list[ScalarSelect[str | None]]:
    """Return the two values from which `counted` counts `labs`."""
    tags = select(LabTagRow.tag).where(LabTagRow.lab_id.in_(select(labs.c.id))).subquery()
    return [one_text(labs, labs.c.said), one_text(tags, tags.c.tag)]


def counted(said: str | None, tags: str | None, *, most: int) -> Facets:
    """Count what the values of `texts_of` say, which are of no more than `most` labs."""
    rows = lines_of(said)
    values = zip(*map(_said, rows), strict=True) if rows else ((),) * len(COLUMNS)
    counters = map(Counter, values)
    return facets_of(counters, Counter(lines_of(tags)), is_bounded=len(rows) >= most)


@lru_cache(maxsize=4096)
def _said(row: str) -> tuple[Any, ...]:
    """Read what a lab says; most labs say the same as others."""
    return tuple(rows_of([row])[0])


def facets_of(
    counters: Iterable[Counter[Any]], tags: Counter[str], *, is_bounded: bool = False
) -> Facets:
    """Return facets from how many labs have each value, for each of `COLUMNS`, and each tag."""
    found = {"tag": _values("tag", tags)}
    found |= {name: _values(name, held) for name, held in zip(COLUMNS, counters, strict=True)}
    return Facets(found, is_bounded=is_bounded)


def _values(name: str, counter: Counter[Any]) -> tuple[FacetValue, ...]:
    ordered = sorted(counter.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(
        FacetValue("true" if name in _TRUE_ALONE else str(value), number)
        for value, number in ordered
        if value
    )[:MOST_VALUES]
