"""What labs can be narrowed by: a list of labs comes as one text and is counted here."""

from collections import Counter
from collections.abc import Iterable
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
    # Most labs say the same as others, so few texts have to be read.
    kinds = Counter(rows)
    numbers = zip(rows_of(list(kinds)), kinds.values(), strict=True)
    return facets_of(numbers, Counter(lines_of(tags)), is_bounded=len(rows) >= most)


def facets_of(
    numbers: Iterable[tuple[Iterable[Any], int]], tags: Counter[str], *, is_bounded: bool = False
) -> Facets:
    """Return facets from how many labs have each row of values of `COLUMNS`, and each tag."""
    counters: dict[str, Counter[Any]] = {name: Counter() for name in COLUMNS}
    for values, number in numbers:
        for name, value in zip(COLUMNS, values, strict=True):
            counters[name][value] += number
    found = {"tag": _values("tag", tags)}
    found |= {name: _values(name, counter) for name, counter in counters.items()}
    return Facets(found, is_bounded=is_bounded)


def _values(name: str, counter: Counter[Any]) -> tuple[FacetValue, ...]:
    ordered = sorted(counter.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(
        FacetValue("true" if name in _TRUE_ALONE else str(value), number)
        for value, number in ordered
        if value
    )[:MOST_VALUES]
