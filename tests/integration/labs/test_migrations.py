"""The database is brought up to date, and back, on both engines."""

from pathlib import Path

import pytest
from sqlalchemy import inspect

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import open_engine


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/a.sqlite"
    url: str = request.getfixturevalue("postgres_server").new_database()
    return url


def test_every_table_comes_and_goes_and_none_differs_from_the_code(empty: str) -> None:
    migrate.upgrade(empty)
    migrate.upgrade(empty)
    migrate.check(empty)
    migrate.downgrade(empty, "base")
    engine = open_engine(empty)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()
