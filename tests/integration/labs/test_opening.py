"""Labs of two images, opened by one person: neither server is stopped for the other."""

import re
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.inside import inside
from tests.support.kernel import kernel
from tests.support.many_labs import notebook
from tests.support.site import Server, Site
from tests.support.site_labs import publish
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine

OWNER = "open-ada"
READER = "open-bob"


def open_lab(browser: httpx.Client, site: Site, name: str) -> None:
    """Follow the bare link, and press its button as the page's script does."""
    address = f"{site.labs_url}/{OWNER}/{name}/open"
    page = browser.get(address)
    token = re.search(r'name="_csrf" value="([^"]+)"', page.text)
    assert token, page.text
    sent = browser.post(address, data={"_csrf": token[1]}, follow_redirects=False)
    assert sent.status_code == HTTPStatus.SEE_OTHER, sent.text


def servers(site: Site) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = site.operator("GET", f"/users/{READER}").json()["servers"]
    return found


def ready(site: Site, name: str) -> bool:
    return bool(servers(site).get(name, {}).get("ready"))


def server_of(site: Site, name: str) -> Server:
    return Server(
        user=READER,
        name=name,
        url=site.server_url(READER, name),
        token=site.token(READER),
        container=site.container_name(READER, name),
    )


def image_of(server: Server) -> str:
    return inside(server.container, "printenv", "MACHINELABS_IMAGE").out


def test_a_lab_with_another_image_gets_a_server_of_its_own(site: Site) -> None:
    for name, image in (("small", "base"), ("large", "datascience")):
        files = {"main.ipynb": notebook("1 + 1")}
        publish(site, site.token(OWNER), name, files, visibility="public", image=image)
    browser = site.sign_in(READER)
    try:
        open_lab(browser, site, "small")
        wait_until(lambda: len(servers(site)) == 1, seconds=60, what="a server")
        (first_name,) = servers(site)
        wait_until(lambda: ready(site, first_name), seconds=60, what="the first server")
        first = server_of(site, first_name)
        assert image_of(first) == "base"
        with kernel(first) as python3:
            python3.run("mine = 'kept'")

            open_lab(browser, site, "large")
            wait_until(lambda: len(servers(site)) == 2, seconds=60, what="a second server")
            (second_name,) = set(servers(site)) - {first_name}
            wait_until(lambda: ready(site, second_name), seconds=60, what="the second server")
            assert image_of(server_of(site, second_name)) == "datascience"
            assert python3.run("print(mine)") == "kept\n", "the first was never stopped"

            began = {name: server["started"] for name, server in servers(site).items()}
            open_lab(browser, site, "small")
            open_lab(browser, site, "large")
            assert {name: server["started"] for name, server in servers(site).items()} == began
            assert python3.run("print(mine)") == "kept\n"
    finally:
        for name in servers(site):
            site.stop_server(READER, name=name)
