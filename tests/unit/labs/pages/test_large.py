"""What a page says of a file that is too large for it."""

import re
from collections.abc import Iterator

import httpx
import pytest
from tests.support.content import cell, notebook, shows
from tests.support.labs_service import LabsServer, labs_server
from tests.support.peak import peak_kib

from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.render.files import NOTEBOOK_MIB

MB = 1 << 20
SENTENCE = (
    "It has 100 MB, and a page shows notebooks of up to 50 MB. Download it, or open the lab to "
    "see it in JupyterLab."
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("large"), notebook_mib=200) as running:
        yield running


@pytest.fixture(scope="module")
def lab(server: LabsServer) -> Lab:
    plot = shows(image__png="A" * (100 * MB))
    files = {"main.ipynb": notebook([cell("code", "plot()", "a", [plot])])}
    return server.publish("ada", files, title="Large")


@pytest.mark.parametrize("path", ["", "/@r1", "/files/main.ipynb"])
def test_a_notebook_of_100_mb_is_refused_with_what_to_do(
    server: LabsServer, lab: Lab, path: str
) -> None:
    with httpx.Client(base_url=server.url, timeout=30) as reader:
        reader.get(f"/{lab.owner}/{lab.name}{path}")
        with peak_kib() as more:
            answer = reader.get(f"/{lab.owner}/{lab.name}{path}")
    assert answer.status_code == 200
    assert "This notebook is too large to be shown here" in answer.text
    assert SENTENCE in answer.text
    assert re.search(r'href="[^"]+/main\.ipynb" download>.* Download 100 MB</a>', answer.text)
    assert 'class="ml-notebook"' not in answer.text
    assert more.kib < 16 << 10


def test_what_may_be_shown_does_not_grow_with_what_may_be_stored(server: LabsServer) -> None:
    assert server.settings.limits.notebook_mib > NOTEBOOK_MIB


def test_the_name_of_a_large_file_is_a_name(server: LabsServer) -> None:
    name = "<img src=x onerror=alert(1)>.md"
    lab = server.publish("ada", {name: b"# x\n" * MB}, title="Named")
    with httpx.Client(base_url=server.url, timeout=30) as reader:
        answer = reader.get(f"/{lab.owner}/{lab.name}/files/{name}")
    assert "This text is too large" in answer.text
    assert "<img src=x" not in answer.text
