"""Bring a database up to date: `upgrade(url)` at every start."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError

from machinelabs_hub.db.engine import open_engine
from machinelabs_hub.errors import SetupError

_SCRIPTS: Final = Path(__file__).parent / "migrations"
CONNECTION: Final = "connection"
"""Where the scripts find the connection that they run on."""


class DatabaseUnusable(SetupError):
    """The database does not answer, is not ours, is half-made, or newer than this code."""

    code = "database_unusable"


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations that the database at `url` lacks; all or none of them.

    Raises:
        DatabaseUnusable: says why not; the database is as it was.
    """
    shown = make_url(url).render_as_string(hide_password=True)
    try:
        with _connected(url) as connection:
            command.upgrade(_config(connection), revision)
    except CommandError as error:
        raise DatabaseUnusable(
            f"The database {shown} was made by a newer MachineLabs ({error}). Use that version, or "
            "restore the database that this one wrote. Nothing was changed."
        ) from error
    except DBAPIError as error:
        said = str(error.orig).strip().splitlines()[0]
        raise DatabaseUnusable(
            f"The database {shown} cannot be brought up to date: {said}. Nothing was changed. See "
            "that it answers and that its disk has room. If a start was cut short or something "
            "else wrote into it, restore a backup, or move it away to begin with an empty one."
        ) from error


def downgrade(url: str, revision: str) -> None:
    """Take migrations back, down to `revision`."""
    with _connected(url) as connection:
        command.downgrade(_config(connection), revision)


def check(url: str) -> None:
    """Raise if the tables of the code and of the database at `url` differ."""
    with _connected(url) as connection:
        command.check(_config(connection))


def is_current(url: str) -> bool:
    """Tell whether the database at `url` is as this code needs it."""
    with _connected(url) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        return found == ScriptDirectory(str(_SCRIPTS)).get_current_head()


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
