"""Find labs by their words: FTS5 on SQLite, tsvector on PostgreSQL, behind one interface.

Both indexes are kept by the database itself, in the transaction that changes `lab_texts`. What is
asked for is folded first, so nothing that a person types is syntax of a query.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    table,
)
from sqlalchemy.orm import Session

from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.search import LabTextRow
from machinelabs_hub.db.words import folded

ASKED: Final = "asked"
MILLION: Final = 1_000_000
MOST_WORDS: Final = 8
SHORTEST_BEGINNING: Final = 2
"""A last word of fewer letters stands for itself, not for all that begin with it."""


class Matching:
    """Rows of an index that match: what to select them from, and how well each fits.

    It stands for all texts: the one that is asked for is the parameter `asked` of a statement. A
    score is in millionths: a whole number, the same wherever it is read. Where `is_ordered`, the
    index gives its matches by their ids.
    """

    def __init__(
        self,
        *,
        table: FromClause,
        id: ColumnElement[int],  # noqa: A002 - the column is called so
        matches: ColumnElement[bool],
        score: ColumnElement[float],
        is_ordered: bool,
    ) -> None:
        self._rows = table.join(LabRow.__table__, LabRow.id == id)
        self._id = id
        self._matches = matches
        self._score = cast(score * MILLION, BigInteger).label("score")
        self._is_ordered = is_ordered

    def labs(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select `columns` of the labs that match."""
        return select(*columns).select_from(self._rows).where(self._matches)

    def newest(
        self, *columns: ColumnElement[Any], conditions: list[ColumnElement[bool]], most: int
    ) -> Select[Any]:
        """Select `id`, `score` and `columns` of the newest `most` for which `conditions` hold."""
        shown = (self._id.label("id"), self._score, *columns)
        if self._is_ordered:
            return self.labs(*shown).where(*conditions).order_by(self._id.desc()).limit(most)
        # The sum hides the primary key, along which PostgreSQL would read the texts of the newest
        # labs until enough match; and only those that are left are worth a score.
        found = self.labs(self._id).where(*conditions).order_by((self._id + 0).desc()).limit(most)
        return select(*shown).select_from(self._rows).where(self._id.in_(found))


@dataclass(frozen=True, slots=True)
class Words:
    """Words that all stand in a lab, the last as the beginning of one.

    Attributes:
        matching: the rows of this database's index in which they stand.
        asked: the parameter of statements with `matching`.
    """

    matching: Matching
    asked: str

    @property
    def params(self) -> dict[str, str]:
        """What a statement with `matching` is to be executed with."""
        return {ASKED: self.asked}


def _fts5() -> Matching:
    """SQLite's index: bm25, where words of the heading weigh most."""
    return Matching(
        table=table("lab_words"),
        id=literal_column("lab_words.rowid", Integer),
        matches=literal_column("lab_words").op("MATCH", is_comparison=True)(bindparam(ASKED)),
        score=literal_column("-bm25(lab_words, 10.0, 6.0, 4.0, 2.0, 1.0)", Float),
        is_ordered=True,
    )


def _tsvector() -> Matching:
    """PostgreSQL's: the weights A to D of `document`, longer texts count less."""
    query = func.to_tsquery(literal_column("'simple'"), bindparam(ASKED, type_=Text))
    document: ColumnElement[Any] = literal_column("lab_texts.document")
    return Matching(
        table=LabTextRow.__table__,
        id=LabTextRow.__table__.c.lab_id,
        matches=document.op("@@", is_comparison=True)(query),
        score=func.ts_rank(document, query, 1, type_=Float),
        is_ordered=False,
    )


_FTS5: Final = _fts5()
_TSVECTOR: Final = _tsvector()


def words_of(db: Session, text: str) -> Words | None:
    """Return the words that a person asks for, as the index has them; None: there are none."""
    words = folded(text).split()[:MOST_WORDS]
    if not words:
        return None
    is_begun = len(words[-1]) >= SHORTEST_BEGINNING
    # Folded words are letters and digits, so nothing that a person types is syntax here.
    if db.get_bind().dialect.name == "sqlite":
        return Words(_FTS5, " ".join(f'"{word}"' for word in words) + "*" * is_begun)
    return Words(_TSVECTOR, " & ".join(f"'{word}'" for word in words) + ":*" * is_begun)
