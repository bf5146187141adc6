"""A database that was brought up to date has the tables of the code, and can go back."""

from pathlib import Path

from sqlalchemy import inspect

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import open_engine


def tables(url: str) -> set[str]:
    engine = open_engine(url)
    try:
        return set(inspect(engine).get_table_names()) - {"alembic_version"}
    finally:
        engine.dispose()


def test_migrations_make_the_tables_of_the_code(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'machinelabs.sqlite'}"
    migrate.upgrade(url)
    migrate.check(url)


def test_a_second_upgrade_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'machinelabs.sqlite'}"
    migrate.upgrade(url)
    before = tables(url)
    migrate.upgrade(url)
    assert tables(url) == before


def test_every_migration_can_be_taken_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'machinelabs.sqlite'}"
    migrate.upgrade(url)
    assert tables(url)
    migrate.downgrade(url, "base")
    assert tables(url) == set()
