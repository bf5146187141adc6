"""Search and explore: which labs, in which order, a page at a time, at a bounded cost.

Every statement here is bound by `listing.explored` or `listing.listed`: who may see what is said
there, and only there.
"""

import threading
import time
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from machinelabs_hub.db.engine import Sessions
from machinelabs_hub.db.tables.labs import LabRow, LabTagRow
from machinelabs_hub.db.tables.stars import StarRow
from machinelabs_hub.labs.models.cursor import Cursor, read_cursor, write_cursor
from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.page import LabQuery, Page, Sort
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.storage.listing import explored, listed, owned_by, shared_with
from machinelabs_hub.labs.storage.rows import lab_of
from machinelabs_hub.labs.storage.words import Matching, index_of, words_of

MOST_GATHERED: Final = 2000
MOST_KEPT: Final = 5000
SECONDS_KEPT: Final = 60
"""What another program mends in the database is seen after so long at the latest."""
MOST_RANKED: Final = 1000
"""Of a word that stands in more labs than this, the newest that many are ranked."""

KEYS: Final[dict[Sort, InstrumentedAttribute[Any]]] = {
    Sort.NEWEST: LabRow.created_at,
    Sort.UPDATED: LabRow.updated_at,
    Sort.STARS: LabRow.stars,
    Sort.FORKS: LabRow.forks,
    Sort.TRENDING: LabRow.trend,
}
_EQUAL: Final = {
    "image": LabRow.image,
    "flavour": LabRow.flavour,
    "language": LabRow.language,
    "licence": LabRow.licence,
}
_OPEN: Final = (Visibility.PUBLIC, Visibility.SIGNED_IN)

Place = tuple[Any, int]
"""What a list is ordered by, and the lab's id."""


class SearchTable:
    """Labs as lists. Every method is one transaction and may block."""

    def __init__(self, *, sessions: Sessions) -> None:
        self._sessions = sessions
        self._kept = _Kept()

    def page(self, query: LabQuery, viewer: Person | None) -> Page[Lab]:
        """Return labs that `viewer` may see in a list, a page of them."""
        # Taken before anything is read: what is read is this state or a later one.
        kept = self._kept.of((self._sessions.changes, int(time.monotonic() / SECONDS_KEPT)))
        with self._sessions() as db:
            conditions = wanted(query, viewer, is_frequent=is_frequent(db, query))
            return page_of(db, query, conditions, branches(query, viewer), kept)


def page_of(
    db: Session,
    query: LabQuery,
    conditions: list[ColumnElement[bool]],
    parts: list[ColumnElement[bool]],
    kept: dict[int, Lab] | None = None,
) -> Page[Lab]:
    """Return one page of the labs for which all `conditions` hold and one of `parts`.

    Labs that are in `kept` are not read again; those that are not, come into it.
    """
    words = words_of(query.q)
    if query.q and not words:
        return Page((), None)
    matching = index_of(db).matching(words) if words else None
    if matching is not None and query.order is Sort.RELEVANCE:
        places = _ranked(db, query, matching, [*conditions, or_(*parts)])
    else:
        places = _ordered(db, query, matching, conditions, parts)
    labs = _labs(db, [place[1] for place in places[: query.limit]], {} if kept is None else kept)
    if len(places) <= query.limit:
        return Page(labs, None)
    value, row = places[query.limit - 1]
    return Page(labs, write_cursor(Cursor(query.order, value, row)))


def is_frequent(db: Session, query: LabQuery) -> bool:
    """Tell whether labs with the tag of `query` are so many that one meets them on any way.

    Then a list is walked in its order and looked at for the tag; else those that have it are
    gathered and sorted. The other way round each costs a look at every lab.
    """
    some = (
        select(LabTagRow.lab_id).where(LabTagRow.tag == query.tag).limit(MOST_GATHERED).subquery()
    )
    number = db.scalar(select(func.count()).select_from(some)) if query.tag else 0
    return number == MOST_GATHERED


def wanted(
    query: LabQuery, viewer: Person | None, *, is_frequent: bool
) -> list[ColumnElement[bool]]:
    """Return what must hold of each lab that `query` asks for, and that `viewer` may see.

    Args:
        query: what is asked for.
        viewer: who asks.
        is_frequent: what `is_frequent` says of the query.
    """
    seen = listed(viewer) if query.owner or query.starred_by else explored(viewer)
    found = [LabRow.trashed_at.is_(None), seen]
    if query.owner:
        found.append(LabRow.owner == query.owner)
    if query.tag:
        has_tag = select(LabTagRow.tag).where(
            LabTagRow.tag == query.tag, LabTagRow.lab_id == LabRow.id
        )
        tagged = select(LabTagRow.lab_id).where(LabTagRow.tag == query.tag)
        found.append(has_tag.exists() if is_frequent else LabRow.id.in_(tagged))
    if query.starred_by:
        starred = select(StarRow.lab_id).where(StarRow.person == query.starred_by)
        found.append(LabRow.id.in_(starred))
    found += [
        column == getattr(query, name) for name, column in _EQUAL.items() if getattr(query, name)
    ]
    if query.has_outputs is not None:
        found.append(LabRow.has_outputs.is_(query.has_outputs))
    if query.runs_clean is not None:
        found.append(LabRow.runs_clean.is_(query.runs_clean))
    if query.is_featured is not None:
        is_featured = LabRow.featured_at.is_not(None)
        found.append(is_featured if query.is_featured else ~is_featured)
    if not (query.owner or query.q or query.starred_by):
        # A fork that nobody worked on yet would only repeat its original here.
        found.append(or_(LabRow.parent_id.is_(None), LabRow.revision > 1))
    return found


def branches(query: LabQuery, viewer: Person | None) -> list[ColumnElement[bool]]:
    """Cut what `viewer` may come across into parts that an index can give in order, each.

    Together they hold all that `explored(viewer)` allows; as one condition they would be sorted
    anew for every page, however many labs there are.
    """
    if query.owner or query.starred_by:
        return [LabRow.id.is_not(None)]
    public = LabRow.visibility == Visibility.PUBLIC
    if viewer is None or viewer.is_service:
        return [public]
    held = or_(owned_by(viewer), shared_with(viewer))
    signed_in = LabRow.visibility == Visibility.SIGNED_IN
    return [public, signed_in, and_(LabRow.visibility.not_in(_OPEN), held)]


def _ordered(
    db: Session,
    query: LabQuery,
    matching: Matching | None,
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
        found = matching.labs(*columns) if matching else select(*columns)
        found = found.where(*conditions, branch)
        return found.order_by(key.desc(), LabRow.id.desc()).limit(query.limit + 1)

    if len(parts) == 1:
        return _rows(db, part(parts[0]))
    some = union_all(*(select(part(branch).subquery()) for branch in parts)).subquery()
    merged = select(some.c.place, some.c.id).order_by(some.c.place.desc(), some.c.id.desc())
    return _rows(db, merged.limit(query.limit + 1))


def _ranked(
    db: Session, query: LabQuery, matching: Matching, conditions: list[ColumnElement[bool]]
) -> list[Place]:
    some = (
        matching.labs(matching.score.label("score"), matching.id.label("id"))
        .where(*conditions)
        .order_by(matching.id.desc())
        .limit(MOST_RANKED)
        .subquery()
    )
    best = select(some.c.score, some.c.id).order_by(some.c.score.desc(), some.c.id.desc())
    if not query.cursor:
        return _rows(db, best.limit(query.limit + 1))
    return _after(read_cursor(query.cursor, query.order), _rows(db, best))[: query.limit + 1]


def _after(cursor: Cursor, places: list[Place]) -> list[Place]:
    # Scores shift a little with every lab that comes; where the last one stands now counts.
    for number, place in enumerate(places):
        if place[1] == cursor.id:
            return places[number + 1 :]
    return [place for place in places if place < (cursor.value, cursor.id)]


def _rows(db: Session, found: Select[Any]) -> list[Place]:
    return [(value, row) for value, row in db.execute(found)]


def _labs(db: Session, ids: list[int], kept: dict[int, Lab]) -> tuple[Lab, ...]:
    found = {row: kept[row] for row in ids if row in kept}
    missing = [row for row in ids if row not in found]
    if missing:
        rows = db.scalars(select(LabRow).where(LabRow.id.in_(missing)))
        read = {row.id: lab_of(row) for row in rows}
        if len(kept) > MOST_KEPT:
            kept.clear()
        kept.update(read)
        found |= read
    return tuple(found[row] for row in ids if row in found)


class _Kept:
    """Labs as they were read last; they hold until this process, which alone writes them, writes.

    Which labs a list has is asked of the database each time: only what they say is kept.
    """

    def __init__(self) -> None:
        self._state: tuple[int, int] | None = None
        self._labs: dict[int, Lab] = {}
        self._lock = threading.Lock()

    def of(self, state: tuple[int, int]) -> dict[int, Lab]:
        """Return the labs of a state of the database, by id."""
        with self._lock:
            if state != self._state:
                self._state, self._labs = state, {}
            return self._labs
