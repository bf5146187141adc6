"""A real card. Elsewhere these tests are skipped, with one line."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from tests.support import nvidia_smi
from tests.support.sampler import RunningSampler, running_sampler
from tests.support.torch_work import torch_python

from machinelabs_hub.gpu.sampler import INTERVAL

Figure = Callable[[str], None]

_FIGURES: dict[str, str] = {}


def pytest_runtest_setup() -> None:
    # Here, not in a fixture: all tests are then skipped at one place, which is one line.
    if not _has_card():
        pytest.skip("this machine has no NVIDIA GPU that answers")


@cache
def _has_card() -> bool:
    return nvidia_smi.has_card()


@pytest.fixture(scope="session")
def sampler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSampler]:
    """The sampler as a site runs it, over NVIDIA's own library."""
    with running_sampler(tmp_path_factory.mktemp("site"), interval=INTERVAL) as running:
        yield running


@pytest.fixture(scope="session")
def python() -> str:
    """A Python whose torch finds the card."""
    found = torch_python()
    if not found:
        pytest.skip("no Python here has a torch that finds the card")
    return found


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Keep what a test measured, for the table."""

    def keep(text: str) -> None:
        _FIGURES[request.node.nodeid] = text

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table for docs/reference/gpu-verified.md."""
    if not _has_card():
        return
    said = nvidia_smi.asked()
    cards = ", ".join(sorted({card.name for card in said.cards}))
    terminalreporter.write_line(f"\n{cards}, driver {said.driver}, CUDA {said.cuda}\n")
    terminalreporter.write_line("| what | figure | verdict |\n|---|---|---|")
    for verdict in ("passed", "failed", "skipped", "error"):
        for report in terminalreporter.getreports(verdict):
            if report.nodeid.startswith("tests/gpu/"):
                what = report.nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
                figure = _FIGURES.get(report.nodeid, "")
                terminalreporter.write_line(f"| {what} | {figure} | {verdict} |")
