"""The site's life: start, second start, Ctrl-C, and parts that die."""


import httpx
import pytest
from tests.support.site import Site

pytestmark = pytest.mark.engine


def test_the_login_page_is_reached_by_the_public_address(site: Site) -> None:
    answer = httpx.get(f"{site.url}/hub/login", timeout=20)
    assert answer.status_code == 200
    assert "password" in answer.text


def test_an_account_signs_in_and_reaches_home(site: Site) -> None:
    with site.sign_in("ada") as client:
        home = client.get("/hub/home")
    assert home.status_code == 200
    assert home.url.path == "/hub/home"


def test_a_person_starts_a_server_and_reaches_it(site: Site) -> None:
    server = site.start_server("bea", image="base", flavour="cpu-small")
    try:
        with server.client() as client:
            answer = client.get("api/status")
        assert answer.status_code == 200, answer.text
    finally:
        site.stop_server("bea")
