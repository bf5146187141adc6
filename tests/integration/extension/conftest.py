"""A notebook server of a person, beside the real labs service of a real site."""

from collections.abc import Iterator

import pytest
from tests.support.notebook_server import NotebookServer, notebook_server
from tests.support.site import Site

OWNER, OTHER = "ext-olga", "ext-omar"


def environment(site: Site, person: str, **more: str) -> dict[str, str]:
    return {
        "MACHINELABS_LABS_URL": f"{site.addresses.labs_local}/services/labs",
        "MACHINELABS_PUBLIC_URL": site.labs_url,
        "MACHINELABS_IMAGE": "datascience",
        "MACHINELABS_FLAVOUR": "cpu-small",
        "MACHINELABS_IDLE_MINUTES": "60",
        "MACHINELABS_IDLE_WARNING_MINUTES": "5",
        "JUPYTERHUB_API_TOKEN": site.token(person),
        "JUPYTERHUB_USER": person,
        **more,
    }


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
