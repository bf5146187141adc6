"""The database is brought up to date, and back, on both engines."""

from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from tests.support.places import free_port

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import open_engine
from machinelabs_hub.db.migrate import DatabaseUnusable


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


def test_a_half_made_database_is_said_in_a_sentence_and_left_as_it_was(empty: str) -> None:
    change(empty, "CREATE TABLE labs (id INTEGER PRIMARY KEY, mine VARCHAR(9))")
    change(empty, "INSERT INTO labs (id, mine) VALUES (1, 'kept')")
    with pytest.raises(DatabaseUnusable, match=r"already exists.*Nothing was changed") as caught:
        migrate.upgrade(empty)
    assert "[SQL" not in str(caught.value)
    engine = open_engine(empty)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT mine FROM labs")).scalar() == "kept"
    assert "accounts" not in inspect(engine).get_table_names()
    engine.dispose()


def test_a_newer_database_is_said_in_a_sentence(empty: str) -> None:
    migrate.upgrade(empty)
    change(empty, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusable, match="made by a newer MachineLabs"):
        migrate.upgrade(empty)


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    url = f"postgresql+psycopg://ada:hunter22@127.0.0.1:{free_port(1)}/labs"
    with pytest.raises(DatabaseUnusable, match=r"127\.0\.0\.1") as caught:
        migrate.upgrade(url)
    assert "hunter22" not in str(caught.value)


def change(url: str, statement: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
