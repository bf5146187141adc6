"""After a reboot the engine may come up after the site: the site waits, the door follows."""

from pathlib import Path

import httpx
import pytest
from tests.support.engine_proxy import Mode, engine_proxy
from tests.support.site import Site, running
from tests.support.waiting import wait_until

from machinelabs_hub.spawn.network import remove_network

pytestmark = pytest.mark.engine


def door_answers(site: Site) -> bool:
    try:
        return httpx.get(f"{site.addresses.door}/hub/api/", timeout=2).is_success
    except httpx.HTTPError:
        return False


def test_the_door_appears_when_the_engine_does(tmp_path: Path) -> None:
    with (
        engine_proxy(tmp_path) as engine,
        running(tmp_path / "data", engine={"socket": engine.address}) as site,
    ):
        wait_until(lambda: door_answers(site), seconds=30, what="the door of the first start")
        site.stop()
        remove_network(site.settings)

        engine.switch(Mode.REFUSES)
        site.start()
        assert site.visitor().get("/hub/login").is_success, "people can sign in meanwhile"
        assert not door_answers(site)

        engine.switch(Mode.WELL)
        wait_until(lambda: door_answers(site), seconds=30, what="the door")
        server = site.start_server("late", image="base")
        with server.client() as client:
            assert client.get("api/status").is_success
