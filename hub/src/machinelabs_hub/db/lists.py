"""Many rows as one text: a list that is fetched at one go.

Python's driver of SQLite gives the interpreter away and waits for it again at every row that it
fetches. With ten readers at once that takes longer than the search itself; one row never waits.
"""

import json
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, ScalarSelect, Text, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

LINE: Final = "\n"
"""Stands between the rows of a text. No text of JSON has it: there it is written `\\n`."""


class json_row(GenericFunction[str]):  # noqa: N801 - it is a function of SQL
    """The values of a row as the text of a JSON list."""

    type = Text()
    inherit_cache = True


class lines(GenericFunction[str]):  # noqa: N801 - it is a function of SQL
    """A text of each row, joined by `LINE` in no certain order."""

    type = Text()
    inherit_cache = True


@compiles(json_row)
def _sqlite_row(row: json_row, compiler: SQLCompiler, **how: Any) -> str:
    return f"json_array({compiler.process(row.clauses, **how)})"


@compiles(json_row, "postgresql")
def _postgresql_row(row: json_row, compiler: SQLCompiler, **how: Any) -> str:
    return f"CAST(json_build_array({compiler.process(row.clauses, **how)}) AS TEXT)"


@compiles(lines)
def _sqlite_lines(text: lines, compiler: SQLCompiler, **how: Any) -> str:
    return f"group_concat({compiler.process(text.clauses, **how)}, char(10))"


@compiles(lines, "postgresql")
def _postgresql_lines(text: lines, compiler: SQLCompiler, **how: Any) -> str:
    return f"string_agg({compiler.process(text.clauses, **how)}, chr(10))"


def one_text(rows: FromClause, text: ColumnElement[str]) -> ScalarSelect[str | None]:
    """Return the `text` of all `rows` as one value; no rows give none."""
    return select(lines(text)).select_from(rows).scalar_subquery()


def lines_of(text: str | None) -> list[str]:
    """Return what `one_text` joined."""
    return text.split(LINE) if text else []


def rows_of(texts: list[str]) -> list[list[Any]]:
    """Return the rows of which `json_row` made `texts`."""
    rows: list[list[Any]] = json.loads(f"[{','.join(texts)}]")
    return rows
