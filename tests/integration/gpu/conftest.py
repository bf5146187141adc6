"""A database, SQLite and PostgreSQL alike, and a sampler over a stand-in for the library."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import postgres
from tests.support.fake_nvml import FakeCard, FakeNvml, build
from tests.support.sampler import RunningSampler, running_sampler

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import Sessions, open_engine, session_maker
from machinelabs_hub.gpu.sampler import INTERVAL


@pytest.fixture(scope="session")
def postgres_ready() -> Iterator[tuple[postgres.Postgres, str]]:
    """A server, and a database that is up to date, to be copied."""
    with postgres.running() as server:
        ready = server.new_database()
        migrate.upgrade(ready)
        yield server, ready


@pytest.fixture(scope="module")
def postgres_url(postgres_ready: tuple[postgres.Postgres, str]) -> str:
    """A database of one file of tests: what others leave there changes nothing in it."""
    server, ready = postgres_ready
    return server.new_database(like=ready)


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


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def nvml(library: Path, tmp_path: Path) -> FakeNvml:
    """A machine with two cards."""
    machine = FakeNvml(library=library, state=tmp_path / "nvml.state")
    machine.cards = [FakeCard("GPU-a", total_mib=40960), FakeCard("GPU-b", total_mib=40960)]
    machine.tell()
    return machine


@pytest.fixture
def slow_sampler(nvml: FakeNvml, tmp_path: Path) -> Iterator[RunningSampler]:
    """One that takes samples as seldom as on a site."""
    with running_sampler(tmp_path / "site", nvml.environment, interval=INTERVAL) as running:
        yield running


@pytest.fixture
def sampler(nvml: FakeNvml, tmp_path: Path) -> Iterator[RunningSampler]:
    with running_sampler(tmp_path / "site", nvml.environment) as running:
        yield running
