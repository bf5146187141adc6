"""Find labs by their words: FTS5 on SQLite, tsvector on PostgreSQL, behind one interface.

Both indexes are kept by the database itself, in the transaction that changes `lab_texts`. What is
asked for is folded first, so nothing that a person types is syntax of a query.
"""

from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, FromClause, Select, func, literal_column, select, table, text
from sqlalchemy.orm import Session

from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.search import LabTextRow
from machinelabs_hub.db.words import folded

MOST_WORDS: Final = 8
SHORTEST_BEGINNING: Final = 2
"""A last word of fewer letters stands for itself, not for all that begin with it."""


class WordIndex(Protocol):
    """Labs by words. `score` is higher the better a lab fits."""

    def matching(self, words: list[str]) -> "Matching":
        """Return the rows in which all of `words` stand, the last as the beginning of one."""


class Matching:
    """Rows of an index that match: what to select them from, and how well each fits."""

    def __init__(
        self,
        *,
        table: FromClause,
        id: ColumnElement[int],  # noqa: A002 - the column is called so
        matches: ColumnElement[bool],
        score: ColumnElement[float],
    ) -> None:
        self._table = table
        self._matches = matches
        self.id = id
        self.score = score

    def labs(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select `columns` of the labs that match."""
        joined = self._table.join(LabRow.__table__, LabRow.id == self.id)
        return select(*columns).select_from(joined).where(self._matches)


class Fts5:
    """SQLite's: bm25, where words of the heading weigh most."""

    def matching(self, words: list[str]) -> Matching:
        """Return the rows in which all of `words` stand, the last as the beginning of one."""
        asked = " ".join(f'"{word}"' for word in words)
        if len(words[-1]) >= SHORTEST_BEGINNING:
            asked += "*"
        return Matching(
            table=table("lab_words"),
            id=literal_column("lab_words.rowid"),
            matches=text("lab_words MATCH :asked").bindparams(asked=asked),  # type: ignore[arg-type]
            score=literal_column("-bm25(lab_words, 10.0, 6.0, 4.0, 2.0, 1.0)"),
        )


class TsVector:
    """PostgreSQL's: the weights A to D of `document`, longer texts count less."""

    def matching(self, words: list[str]) -> Matching:
        """Return the rows in which all of `words` stand, the last as the beginning of one."""
        asked = " & ".join(f"'{word}'" for word in words)
        if len(words[-1]) >= SHORTEST_BEGINNING:
            asked += ":*"
        query = func.to_tsquery(literal_column("'simple'"), asked)
        document: ColumnElement[Any] = literal_column("lab_texts.document")
        return Matching(
            table=LabTextRow.__table__,
            id=LabTextRow.__table__.c.lab_id,
            matches=document.op("@@")(query),
            score=func.ts_rank(document, query, 1),
        )


def words_of(text_asked: str) -> list[str]:
    """Return the words that a person asks for, as the index has them."""
    return folded(text_asked).split()[:MOST_WORDS]


def index_of(db: Session) -> WordIndex:
    """Return the index of the database that `db` speaks to."""
    return Fts5() if db.get_bind().dialect.name == "sqlite" else TsVector()
