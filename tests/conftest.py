"""Fixtures that every test may ask for."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tests.support.localhost import localhost_resolved
from tests.support.site import Site, running
from xdist.scheduler import LoadFileScheduling

# How long one example takes says more of what else the machine does than of the code.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures",
        metavar="FOLDER",
        help="keep what the browser tests show as pictures, e.g. those of the manual in docs/images",
    )


def pytest_configure() -> None:
    """Let programs that tests start hear Ctrl-C: one begun in the background ignores it for all."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class FilesAndBrowsers(LoadFileScheduling):  # type: ignore[misc]
    """Keeps the tests of a file in one process, and all that drive a browser in one.

    Two browsers leave a machine of two cores nothing; what waits for containers leaves it half.
    """

    def _split_scope(self, nodeid: str) -> str:
        browsers = "tests/browser/"
        return browsers if nodeid.startswith(browsers) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesAndBrowsers:
    return FilesAndBrowsers(config, log)


@pytest.fixture(scope="session", autouse=True)
def _localhost() -> Iterator[None]:
    with localhost_resolved():
        yield


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The session's one site, on images of the catalogue; tests keep their names apart."""
    # All tests ask from one address.
    limits = {"requests_per_minute": 1_000_000}
    with running(tmp_path_factory.mktemp("site"), limits=limits) as running_site:
        yield running_site


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]
