"""The sampler as it runs on a site, over a stand-in for NVIDIA's library."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fake_nvml import FakeCard, FakeNvml, build
from tests.support.sampler import RunningSampler, running_sampler

from machinelabs_hub.gpu.sampler import INTERVAL


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
