"""What a notebook server tells its browsers of its GPU: its own claim, over the real service."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.notebook_server import NotebookServer, environment, notebook_server
from tests.support.site import Site
from tests.support.site_cards import holding

pytestmark = pytest.mark.engine

PERSON, SERVER = "gpu-gus", "third"


@pytest.fixture
def server(site: Site, tmp_path: Path) -> Iterator[NotebookServer]:
    given = environment(site, PERSON, JUPYTERHUB_SERVER_NAME=SERVER)
    with notebook_server(tmp_path / "gus", **given) as server:
        yield server


def test_a_server_is_told_of_its_own_gpu_and_of_none_that_another_has(
    site: Site, server: NotebookServer
) -> None:
    none = {"held": None, "sentence": "This server has no GPU."}
    with holding(site, PERSON, "") as other, holding(site, "gpu-gil", SERVER):
        assert server.get("gpu") == none
        with holding(site, PERSON, SERVER, share=2) as mine:
            found = server.get("gpu", seconds="60")["held"]
            assert [card["uuid"] for card in found["cards"]] == [mine]
            assert (found["share"], found["cards"][0]["part_mib"]) == (2, 20480)
            assert datetime.fromisoformat(found["since"]) <= datetime.now(UTC)
            assert other != mine
    assert server.get("gpu") == none


def test_a_span_that_is_no_number_is_refused(server: NotebookServer) -> None:
    answer = server.ask("GET", "gpu", seconds="soon")
    assert (answer.status_code, "`seconds`" in answer.text) == (400, True)
    assert server.ask("GET", "gpu", seconds="99999").status_code == 422
