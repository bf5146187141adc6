"""The labs in which words stand: the best of them, and what they can be narrowed by.

Both come from one look into the index, in one statement and as one row. Of words that stand in
more than `MOST_RANKED` labs the newest that many are ranked and counted.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import CTE, ScalarSelect, Select, null, or_, select
from sqlalchemy.orm import Session

from machinelabs_hub.db.lists import json_row, lines_of, one_text, rows_of
from machinelabs_hub.labs.models.page import Facets, LabQuery
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.storage import tally
from machinelabs_hub.labs.storage.wanted import branches, is_frequent, wanted
from machinelabs_hub.labs.storage.words import Matching, words_of

MOST_RANKED: Final = 250
"""Of words that stand in more labs than this, the newest that many are ranked and counted."""

Place = tuple[Any, int]
"""What a list is ordered by, and the lab's id."""


def matches(
    db: Session, query: LabQuery, viewer: Person | None, *, ranks: bool = True, counts: bool = True
) -> tuple[list[Place], Facets]:
    """Return the labs that fit `query` best, and what all that fit can be narrowed by.

    Each lab comes with its score.

    Args:
        db: the transaction.
        query: what is asked for; with a cursor all are ranked that may be, else one page.
        viewer: who asks; what they may not see is neither ranked nor counted.
        ranks: False: no labs.
        counts: False: no facets.
    """
    words = words_of(db, query.q)
    if words is None:
        return [], tally.counted(None, None, most=MOST_RANKED)
    statement = _statement(
        words.matching,
        # Whatever the words are, the statement is the same.
        replace(query, q="q", sort=None, cursor="", limit=0),
        viewer,
        is_frequent=is_frequent(db, query.tag),
        best=(MOST_RANKED if query.cursor else query.limit + 1) if ranks else 0,
        most=MOST_RANKED,
        counts=counts,
    )
    # Not by way of the ORM: what it adds to an answer takes as long as the answer.
    best, said, tags = db.connection().execute(statement, words.params).one()
    # In which order a database joins texts is nowhere promised.
    places = sorted(((score, row) for score, row in rows_of(lines_of(best))), reverse=True)
    return places, tally.counted(said, tags, most=MOST_RANKED)


@lru_cache(maxsize=256)
def _statement(
    matching: Matching,
    query: LabQuery,
    viewer: Person | None,
    *,
    is_frequent: bool,
    best: int,
    most: int,
    counts: bool,
) -> Select[Any]:
    """Return the statement for all searches that differ in their words alone.

    To put it together takes longer than many a search.
    """
    conditions = wanted(query, viewer, is_frequent=is_frequent)
    conditions.append(or_(*branches(query, viewer)))
    some = matching.newest(tally.SAID, conditions=conditions, most=most).cte("matches")
    columns: list[Any] = [_places(some, best) if best else null()]
    columns += tally.texts_of(some) if counts else [null(), null()]
    return select(*columns)


def _places(some: CTE, best: int) -> ScalarSelect[str | None]:
    ordered = select(some.c.score, some.c.id).order_by(some.c.score.desc(), some.c.id.desc())
    rows = ordered.limit(best).subquery()
    return one_text(rows, json_row(rows.c.score, rows.c.id))
