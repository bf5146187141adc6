"""The ledger on a real database, SQLite and PostgreSQL alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import postgres

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import Sessions, open_engine, session_maker


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database that is up to date, to be copied."""
    with postgres.running() as server:
        ready = server.new_database()
        migrate.upgrade(ready)
        yield server.new_database(like=ready)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def sessions(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sessions]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'site.sqlite'}"
        migrate.upgrade(url)
    else:
        url = request.getfixturevalue("postgres_url")
    engine = open_engine(url)
    yield session_maker(engine)
    engine.dispose()
