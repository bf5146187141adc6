"""The stand-in for NVIDIA's library, found by nvidia-ml-py in this very process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fake_nvml import FakeNvml, build, in_this_process


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def nvml(library: Path, tmp_path: Path) -> Iterator[FakeNvml]:
    machine = FakeNvml(library=library, state=tmp_path / "nvml.state")
    machine.tell()
    with in_this_process(machine):
        yield machine
