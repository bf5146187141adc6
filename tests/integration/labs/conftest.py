"""Services on real git and a real database, SQLite and PostgreSQL alike."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support import postgres
from tests.support.many_labs import tools_of
from tests.support.postgres import Postgres

from machinelabs_hub.db import migrate
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.settings import Settings

As = Callable[[Person | None], Context]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_ready(postgres_server: Postgres) -> str:
    """A database that is up to date, to be copied."""
    url = postgres_server.new_database()
    migrate.upgrade(url)
    return url


@pytest.fixture(scope="session")
def sqlite_ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that is up to date, to be copied."""
    file = tmp_path_factory.mktemp("ready") / "machinelabs.sqlite"
    migrate.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_ready"), tmp_path)
        return ""
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.new_database(like=request.getfixturevalue("postgres_ready"))


@pytest.fixture
def settings(tmp_path: Path, url: str) -> Settings:
    limits = {
        "file_mib": 2,
        "notebook_mib": 1,
        "lab_mib": 4,
        "lab_files": 50,
        "labs_per_person": 30,
    }
    return Settings.model_validate({"data": tmp_path, "database": {"url": url}, "limits": limits})


@pytest.fixture
def tools(settings: Settings) -> Iterator[Tools]:
    made = tools_of(settings)
    yield made
    made.close()


@pytest.fixture
def viewed_by(tools: Tools) -> As:
    """Return a function that gives the services as a person has them."""

    def context(person: Person | None) -> Context:
        return Context(person=person, tools=tools, hub=None)  # type: ignore[arg-type]

    return context
