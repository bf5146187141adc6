"""What lists of labs can be narrowed by, counted among what the reader may see.

The cost is bounded: at most `MOST_COUNTED` labs are looked at for one answer. Without words
and facets, where that would tell too little of a large site, all public labs are counted, once a
minute for everybody.
"""

import threading
import time
from collections import Counter
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select, union_all
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.labs import LabRow, LabTagRow
from machinelabs_hub.labs.models.page import Facets, LabQuery
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.storage import tally
from machinelabs_hub.labs.storage.matches import matches
from machinelabs_hub.labs.storage.wanted import branches, is_frequent, wanted

MOST_COUNTED: Final = 500
FRESH_SECONDS: Final = 60


class FacetTable:
    """Counts of labs. Every method is one transaction and may block."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions
        self._public: tuple[float, Facets] | None = None
        self._counting = threading.Lock()

    def count(self, query: LabQuery, viewer: Person | None) -> Facets:
        """Count the labs that `query` asks for, as far as `viewer` may see them."""
        with self._sessions() as db:
            if query.q:
                return matches(db, query, viewer, ranks=False)[1]
            facets = _counted(db, query, viewer)
        return self._all_public() if facets.is_bounded and query == LabQuery() else facets

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
                    facets = _counted_all(db)
                self._public = (time.monotonic(), facets)
            assert self._public is not None  # noqa: S101 - set just above, or by another thread
            return self._public[1]
        finally:
            self._counting.release()


def _counted(db: Session, query: LabQuery, viewer: Person | None) -> Facets:
    conditions = wanted(query, viewer, is_frequent=is_frequent(db, query.tag))
    newest = [
        _labs(conditions, branch).order_by(LabRow.created_at.desc()).limit(MOST_COUNTED)
        for branch in branches(query, viewer)
    ]
    some = union_all(*(select(part.subquery()) for part in newest)).subquery()
    found = select(some).limit(MOST_COUNTED).cte("labs_found")
    said, tags = list(db.connection().execute(select(*tally.texts_of(found))).one())
    return tally.counted(said, tags, most=MOST_COUNTED)


def _labs(conditions: list[ColumnElement[bool]], branch: ColumnElement[bool]) -> Select[Any]:
    columns: list[Any] = [LabRow.id.label("id"), tally.SAID]
    return select(*columns).where(*conditions, branch)


def _counted_all(db: Session) -> Facets:
    """Count all that everybody explores, in the database."""
    conditions = wanted(LabQuery(), None, is_frequent=False)
    columns: list[Any] = list(tally.COLUMNS.values())
    groups: Select[Any] = select(*columns, func.count())
    counted = db.execute(groups.where(*conditions).group_by(*columns))
    counters: list[Counter[Any]] = [Counter() for _ in columns]
    for *values, number in counted:
        for counter, value in zip(counters, values, strict=True):
            counter[value] += number
    tags = select(LabTagRow.tag, func.count()).join(LabRow, LabRow.id == LabTagRow.lab_id)
    found: dict[str, int] = dict(db.execute(tags.where(*conditions).group_by(LabTagRow.tag)).all())
    return tally.facets_of(counters, Counter(found))
