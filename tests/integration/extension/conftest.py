"""A notebook server of a person, beside the real labs service of a real site."""

from collections.abc import Iterator

import pytest
from tests.support.notebook_server import NotebookServer, environment, notebook_server
from tests.support.site import Site

OWNER, OTHER = "ext-olga", "ext-omar"


@pytest.fixture(scope="session")
def olga(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookServer]:
    folder = tmp_path_factory.mktemp("olga")
    with notebook_server(folder, **environment(site, OWNER)) as server:
        yield server


@pytest.fixture(scope="session")
def omar(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookServer]:
    folder = tmp_path_factory.mktemp("omar")
    with notebook_server(folder, **environment(site, OTHER)) as server:
        yield server
