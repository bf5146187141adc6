"""Open the database: SQLite in DATA by default, PostgreSQL by setting."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker

from machinelabs_hub.errors import BadInput, Conflict, Unavailable

SessionMaker = Callable[[], AbstractContextManager[Session]]
"""Opens a transaction: it commits at the end of the block, rolls back on an error."""

_WROTE = "wrote"
ASIDE = "aside"
"""Set in a session's `info`: no list, search or page that is kept is made of what it writes."""

_POOL: Final = 16
"""So many connections to SQLite stay open; those of a burst beyond it are closed after it."""
_CACHE_KB: Final = 8000
"""What each keeps of the database. Not more with `soft_heap_limit` for all: it is of the whole
process, and the connections that come late would keep next to nothing."""

_FULL = ("disk is full", "no space left", "could not extend file")
_AWAY = ("unable to open", "locked", "connection", "server closed", "shutting down", "terminat")


class RowClash(Conflict):
    """A row with this key is there already: somebody else was first."""

    code = "row_clash"


class DiskFull(Unavailable):
    """There is no room left where the site keeps its data."""

    code = "disk_full"
    status = HTTPStatus.INSUFFICIENT_STORAGE

    def __init__(self) -> None:
        super().__init__(
            "The disk of this site is full, so nothing was saved. Tell an admin; what was there "
            "before is unharmed."
        )


class BadCharacter(BadInput):
    """A NUL in a name or a text: PostgreSQL has none."""

    code = "bad_character"

    def __init__(self) -> None:
        super().__init__("This has a character that no name and no text has. Take it out.")


class DatabaseAway(Unavailable):
    """The database does not answer."""

    code = "database_away"

    def __init__(self) -> None:
        super().__init__("The site's database does not answer now. Try again in a moment.")


def open_engine(url: str) -> Engine:
    """Return an engine for `url`; SQLite gets WAL, foreign keys and a wait for its lock."""
    # The last one used comes first: it has most of what is asked for in its cache.
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_use_lifo=True)
    # To open one costs more than most questions, so a burst of readers leaves theirs open.
    engine = create_engine(url, pool_size=_POOL, max_overflow=48, pool_use_lifo=True)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


class Sessions:
    """Opens transactions on one engine: `with sessions() as db`.

    The block raises RowClash, DiskFull or DatabaseAway where the database says so.

    Attributes:
        changes: how many transactions of this process wrote something. What was made of rows when
            it had the same value is what would be made of them now, as far as this process knows.
    """

    def __init__(self, engine: Engine) -> None:
        self.changes = 0
        self._counting = threading.Lock()
        self._make = sessionmaker(engine, expire_on_commit=False)
        event.listen(self._make, "after_flush", _note_rows)
        event.listen(self._make, "do_orm_execute", _note_statement)

    @contextmanager
    def __call__(self) -> Iterator[Session]:
        """Open a transaction: it commits at the end of the block, rolls back on an error."""
        try:
            with self._make.begin() as session:
                yield session
            # Only now do others see it, so only now is what they kept out of date.
            if session.info.get(_WROTE) and not session.info.get(ASIDE):
                with self._counting:
                    self.changes += 1
        except IntegrityError as error:
            raise RowClash("Somebody else did this at the same moment. Try again.") from error
        except DBAPIError as error:
            raise _ours(error) from error


def session_maker(engine: Engine) -> Sessions:
    """Return what opens transactions on `engine`."""
    return Sessions(engine)


def _note_rows(session: Session, _flush: object) -> None:
    session.info[_WROTE] = True


def _note_statement(state: ORMExecuteState) -> None:
    if not state.is_select:
        state.session.info[_WROTE] = True


def _ours(error: DBAPIError) -> Exception:
    # The drivers share no type for a full disk or a lost server; their words are the only signal.
    words = str(error.orig).lower()
    if isinstance(error, DataError) and "nul" in words:
        return BadCharacter()
    if any(word in words for word in _FULL):
        return DiskFull()
    if error.connection_invalidated or any(word in words for word in _AWAY):
        return DatabaseAway()
    return error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    # WAL lets the Hub read while the labs service writes, and the other way round.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        # Of 2 MB, which is the default, a search among 100,000 labs reads most pages anew.
        f"cache_size=-{_CACHE_KB}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
