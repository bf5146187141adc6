"""Bring a database up to date: `upgrade(url)` at every start."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from machinelabs_hub.db.engine import open_engine

_SCRIPTS: Final = Path(__file__).parent / "migrations"
CONNECTION: Final = "connection"
"""Where the scripts find the connection that they run on."""


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations that the database at `url` lacks; all or none of them."""
    with _connected(url) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(url: str, revision: str) -> None:
    """Take migrations back, down to `revision`."""
    with _connected(url) as connection:
        command.downgrade(_config(connection), revision)


def check(url: str) -> None:
    """Raise if the tables of the code and of the database at `url` differ."""
    with _connected(url) as connection:
        command.check(_config(connection))


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                _begin_sqlite(connection)
            with connection.begin():
                yield connection
    finally:
        engine.dispose()


def _begin_sqlite(connection: Connection) -> None:
    # Python begins no transaction for a change of tables, and a table that is made anew would
    # take the rows of others with it while foreign keys are watched.
    driver: Any = connection.connection.driver_connection
    driver.isolation_level = None
    driver.execute("PRAGMA foreign_keys=OFF")
    driver.execute("BEGIN IMMEDIATE")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes[CONNECTION] = connection
    return config
