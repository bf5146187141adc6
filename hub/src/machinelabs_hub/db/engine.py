"""Open the database: SQLite in DATA by default, PostgreSQL by setting."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

SessionMaker = Callable[[], AbstractContextManager[Session]]
"""Opens a transaction: it commits at the end of the block, rolls back on an error."""


def open_engine(url: str) -> Engine:
    """Return an engine for `url`; SQLite gets WAL, foreign keys and a wait for its lock."""
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def session_maker(engine: Engine) -> SessionMaker:
    """Return a function that opens one transaction on `engine`."""
    make = sessionmaker(engine, expire_on_commit=False)

    @contextmanager
    def transaction() -> Iterator[Session]:
        with make.begin() as session:
            yield session

    return transaction


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    # WAL lets the Hub read while the labs service writes, and the other way round.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=10000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
