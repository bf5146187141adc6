"""Search and explore: which labs, in which order, a page at a time, at a bounded cost.

Every statement here is bound by `listing.explored` or `listing.listed`: who may see what is said
there, and only there.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from machinelabs_hub.db.engine import Sessions
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.labs.models.cursor import Cursor, read_cursor, write_cursor
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import Facets, LabQuery, Page, Sort
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.storage.kept import Kept, filled
from machinelabs_hub.labs.storage.matches import Place, matches
from machinelabs_hub.labs.storage.rows import lab_of
from machinelabs_hub.labs.storage.wanted import branches, is_frequent, wanted
from machinelabs_hub.labs.storage.words import Words, words_of

KEYS: Final[dict[Sort, InstrumentedAttribute[Any]]] = {
    Sort.NEWEST: LabRow.created_at,
    Sort.UPDATED: LabRow.updated_at,
    Sort.STARS: LabRow.stars,
    Sort.FORKS: LabRow.forks,
    Sort.TRENDING: LabRow.trend,
}


class SearchTable:
    """Labs as lists. Every method is one transaction and may block."""

    def __init__(self, *, sessions: Sessions) -> None:
        self._sessions = sessions
        self._kept: Kept[Lab] = Kept(sessions)

    def page(self, query: LabQuery, viewer: Person | None) -> Page[Lab]:
        """Return labs that `viewer` may see in a list, a page of them."""
        kept = self._kept.now()
        with self._sessions() as db:
            if query.order is Sort.RELEVANCE:
                return _page(db, query, matches(db, query, viewer, counts=False)[0], kept)
            conditions = wanted(query, viewer, is_frequent=is_frequent(db, query.tag))
            return page_of(db, query, conditions, branches(query, viewer), kept)

    def counted_page(self, query: LabQuery, viewer: Person | None) -> tuple[Page[Lab], Facets]:
        """Return the labs that fit best, and what all that fit can be narrowed by.

        Both come from one look into the index; `query` asks for words, and for the best fit.
        """
        kept = self._kept.now()
        with self._sessions() as db:
            places, facets = matches(db, query, viewer)
            return _page(db, query, places, kept), facets


def page_of(
    db: Session,
    query: LabQuery,
    conditions: list[ColumnElement[bool]],
    parts: list[ColumnElement[bool]],
    kept: dict[int, Lab] | None = None,
) -> Page[Lab]:
    """Return one page of the labs for which all `conditions` hold and one of `parts`.

    They come in an order that is no rank. Labs that are in `kept` are not read again; those that
    are not, come into it.
    """
    words = words_of(db, query.q)
    if query.q and words is None:
        return Page((), None)
    places = _ordered(db, query, words, conditions, parts)
    return _page(db, query, places, {} if kept is None else kept)


def _ordered(
    db: Session,
    query: LabQuery,
    words: Words | None,
    conditions: list[ColumnElement[bool]],
    parts: list[ColumnElement[bool]],
) -> list[Place]:
    key = KEYS[query.order]
    if query.cursor:
        cursor = read_cursor(query.cursor, query.order)
        after = and_(key <= cursor.value, or_(key < cursor.value, LabRow.id < cursor.id))
        conditions = [*conditions, after]

    def part(branch: ColumnElement[bool]) -> Select[Any]:
        columns = (key.label("place"), LabRow.id.label("id"))
        found = words.matching.labs(*columns) if words else select(*columns)
        found = found.where(*conditions, branch)
        return found.order_by(key.desc(), LabRow.id.desc()).limit(query.limit + 1)

    if len(parts) == 1:
        return _rows(db, part(parts[0]), words)
    some = union_all(*(select(part(branch).subquery()) for branch in parts)).subquery()
    merged = select(some.c.place, some.c.id).order_by(some.c.place.desc(), some.c.id.desc())
    return _rows(db, merged.limit(query.limit + 1), words)


def _rows(db: Session, found: Select[Any], words: Words | None) -> list[Place]:
    return [(value, row) for value, row in db.execute(found, words.params if words else {})]


def _page(db: Session, query: LabQuery, places: list[Place], kept: dict[int, Lab]) -> Page[Lab]:
    if query.cursor and query.order is Sort.RELEVANCE:
        places = _after(read_cursor(query.cursor, query.order), places)
    labs = _labs(db, [place[1] for place in places[: query.limit]], kept)
    if len(places) <= query.limit:
        return Page(labs, None)
    value, row = places[query.limit - 1]
    return Page(labs, write_cursor(Cursor(query.order, value, row)))


def _after(cursor: Cursor, places: list[Place]) -> list[Place]:
    # Scores shift a little with every lab that comes; where the last one stands now counts.
    for number, place in enumerate(places):
        if place[1] == cursor.id:
            return places[number + 1 :]
    return [place for place in places if place < (cursor.value, cursor.id)]


def _labs(db: Session, ids: list[int], kept: dict[int, Lab]) -> tuple[Lab, ...]:
    def read(missing: list[int]) -> dict[int, Lab]:
        rows = db.scalars(select(LabRow).where(LabRow.id.in_(missing)))
        return {row.id: lab_of(row) for row in rows}

    found = filled(kept, ids, read)
    return tuple(found[row] for row in ids if row in found)
