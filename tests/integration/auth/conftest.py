"""One hub with accounts of its own, for all tests here that do not change its settings."""

from collections.abc import Iterator

import pytest
from tests.support.hub import Hub, running_hub


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with running_hub(tmp_path_factory.mktemp("hub"), local={"failures": 3}) as running:
        yield running
