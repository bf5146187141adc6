"""NVIDIA's library, stood in for in this very process, and an empty database for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fake_nvml import FakeNvml, build, in_this_process

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import Sessions, open_engine, session_maker


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def nvml(library: Path, tmp_path: Path) -> Iterator[FakeNvml]:
    machine = FakeNvml(library=library, state=tmp_path / "nvml.state")
    machine.tell()
    with in_this_process(machine):
        yield machine


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and no row."""
    path = tmp_path_factory.mktemp("line") / "empty.sqlite"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sessions(tmp_path: Path, empty: Path) -> Iterator[Sessions]:
    path = shutil.copy(empty, tmp_path / "machinelabs.sqlite")
    engine = open_engine(f"sqlite:///{path}")
    yield session_maker(engine)
    engine.dispose()
