"""What lists of labs can be narrowed by, counted among what the reader may see.

The cost is bounded: at most `MOST_COUNTED` labs are looked at for one answer. Without words and
facets, where that would tell too little of a large site, all public labs are counted, once a
minute for everybody.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, func, select, union_all
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.labs import LabRow, LabTagRow
from machinelabs_hub.labs.models.page import Facets, FacetValue, LabQuery
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.storage.search import branches, is_frequent, wanted
from machinelabs_hub.labs.storage.words import Matching, index_of, words_of

MOST_COUNTED: Final = 500
MOST_VALUES: Final = 24
FRESH_SECONDS: Final = 60

_COLUMNS: Final = {
    "image": LabRow.image,
    "flavour": LabRow.flavour,
    "language": LabRow.language,
    "licence": LabRow.licence,
    "has_outputs": LabRow.has_outputs,
    "runs_clean": LabRow.runs_clean,
}
_TRUE_ALONE: Final = {"has_outputs", "runs_clean"}
"""That a lab does not run clean, or that nobody knows, is nothing to look for."""


class FacetTable:
    """Counts of labs. Every method is one transaction and may block."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions
        self._public: tuple[float, Facets] | None = None
        self._counting = threading.Lock()

    def count(self, query: LabQuery, viewer: Person | None) -> Facets:
        """Count the labs that `query` asks for, as far as `viewer` may see them."""
        with self._sessions() as db:
            found = _bounded(db, query, viewer)
            values, total = _counted(db, found)
        if total <= MOST_COUNTED:
            return Facets(values)
        return self._all_public() if query == LabQuery() else Facets(values, is_bounded=True)

    def _all_public(self) -> Facets:
        kept = self._public
        is_fresh = kept is not None and time.monotonic() - kept[0] < FRESH_SECONDS
        # One counts anew, the others take what was counted last.
        if kept and (is_fresh or not self._counting.acquire(blocking=False)):
            return kept[1]
        if not kept:
            self._counting.acquire()
        try:
            if self._public is kept:
                with self._sessions() as db:
                    values = _counted_all(db)
                self._public = (time.monotonic(), Facets(values))
            assert self._public is not None  # noqa: S101 - set just above, or by another thread
            return self._public[1]
        finally:
            self._counting.release()


def _bounded(db: Session, query: LabQuery, viewer: Person | None) -> Select[Any]:
    return _some(db, query, viewer, MOST_COUNTED + 1)


def _some(
    db: Session, query: LabQuery, viewer: Person | None, most: int | None = None
) -> Select[Any]:
    words = words_of(query.q)
    matching = index_of(db).matching(words) if words else None
    conditions = wanted(query, viewer, is_frequent=is_frequent(db, query))
    parts = [
        _part(matching, [*conditions, branch], most).subquery()
        for branch in branches(query, viewer)
    ]
    if len(parts) == 1:
        return select(*parts[0].c)
    together = union_all(*(select(*part.c) for part in parts)).subquery()
    return select(*together.c).limit(most)


def _part(
    matching: Matching | None, conditions: list[ColumnElement[bool]], most: int | None
) -> Select[Any]:
    columns: list[Any] = [LabRow.id.label("id")]
    columns += [one.label(name) for name, one in _COLUMNS.items()]
    found: Select[Any] = matching.labs(*columns) if matching else select(*columns)
    found = found.where(*conditions)
    if most is None:
        return found
    newest = matching.id if matching else LabRow.created_at
    return found.order_by(newest.desc()).limit(most)


def _counted(db: Session, found: Select[Any]) -> tuple[dict[str, tuple[FacetValue, ...]], int]:
    """Count a bounded list of labs: it is looked for once, and counted here."""
    rows = db.execute(found).all()
    counters: dict[str, Counter[Any]] = {name: Counter() for name in _COLUMNS}
    for values, number in Counter(tuple(row[1:]) for row in rows).items():
        for name, value in zip(_COLUMNS, values, strict=True):
            counters[name][value] += number
    # Numbers of our own, written out: five hundred parameters cost more than the query.
    ids: BindParameter[Any] = bindparam(
        "ids", [row[0] for row in rows], expanding=True, literal_execute=True
    )
    of_these = LabTagRow.lab_id.in_(ids)
    return _facets(db, counters, select(LabTagRow.tag).where(of_these)), len(rows)


def _counted_all(db: Session) -> dict[str, tuple[FacetValue, ...]]:
    """Count all that everybody explores, in the database."""
    some = _some(db, LabQuery(), None).cte("some")
    grouped = [some.c[name] for name in _COLUMNS]
    counters: dict[str, Counter[Any]] = {name: Counter() for name in _COLUMNS}
    groups: Select[Any] = select(*[*grouped, func.count()]).group_by(*grouped)
    for row in db.execute(groups):
        for name, value in zip(_COLUMNS, row[:-1], strict=True):
            counters[name][value] += row[-1]
    joined = some.join(LabTagRow.__table__, LabTagRow.lab_id == some.c.id)
    return _facets(db, counters, select(LabTagRow.tag).select_from(joined))


def _facets(
    db: Session, counters: dict[str, Counter[Any]], tags: Select[Any]
) -> dict[str, tuple[FacetValue, ...]]:
    count = func.count().label("count")
    most = tags.add_columns(count).group_by(LabTagRow.tag).order_by(count.desc(), LabTagRow.tag)
    found_tags = [(tag, number) for tag, number in db.execute(most.limit(MOST_VALUES))]
    return {"tag": _values(found_tags)} | {
        name: _values(_shown(name, counter)) for name, counter in counters.items()
    }


def _shown(name: str, counter: Counter[Any]) -> Iterable[tuple[str, int]]:
    for value, number in sorted(counter.items(), key=lambda item: (-item[1], str(item[0]))):
        if name in _TRUE_ALONE:
            if value:
                yield "true", number
        elif value:
            yield str(value), number


def _values(counts: Iterable[tuple[str, int]]) -> tuple[FacetValue, ...]:
    return tuple(FacetValue(value, number) for value, number in counts)[:MOST_VALUES]
