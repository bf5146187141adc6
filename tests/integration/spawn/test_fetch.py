"""A build that the engine lacks comes from the site's registry, in a lane of its own."""

import json
import threading
import time
from collections.abc import Iterator
from functools import partial

import httpx
import pytest
from tests.support.fetched_image import TAG, FetchingSite, fetching_site
from tests.support.site import Site
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def fetching() -> Iterator[FetchingSite]:
    with fetching_site() as site:
        yield site


@pytest.fixture(autouse=True)
def _lacking(fetching: FetchingSite) -> Iterator[None]:
    yield
    fetching.link.rate = None
    for person in fetching.site.operator("GET", "/users").json():
        if person.get("servers"):
            fetching.site.stop_server(person["name"])
    fetching.drop()


def ask(site: Site, person: str) -> None:
    site.make_user(person)
    options = {"image": "broken", "flavour": "cpu"}
    answer = site.operator("POST", f"/users/{person}/server", json=options)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text


def is_ready(site: Site, person: str) -> bool:
    found = site.operator("GET", f"/users/{person}").json()["servers"].get("", {})
    return bool(found.get("ready"))


def heard(site: Site, person: str) -> list[str]:
    """What the waiting page says until the start ends."""
    token = site.files.secret("operator_api_token")
    url = f"{site.addresses.hub_local}/hub/api/users/{person}/server/progress"
    with httpx.stream(
        "GET", url, headers={"Authorization": f"token {token}"}, timeout=120
    ) as events:
        lines = [line for line in events.iter_lines() if line.startswith("data:")]
    return [str(json.loads(line[5:]).get("message", "")) for line in lines]


def test_an_image_that_is_missing_is_fetched_and_its_way_is_told(fetching: FetchingSite) -> None:
    site = fetching.site
    fetching.link.rate = 6 * 2**20
    ask(site, "ada")
    said = heard(site, "ada")
    assert any(word.startswith("Fetching the image: ") and "30 MiB" in word for word in said), said
    assert site.operator("GET", "/users/ada").json()["servers"][""]["ready"]
    container = site.cards.run("inspect", "-f", "{{.Image}}", site.container_name("ada"))
    assert container == fetching.heavy, "it is the build, by its id"


def test_others_start_meanwhile_and_of_one_image_there_is_one_fetch(
    fetching: FetchingSite,
) -> None:
    site = fetching.site
    before = fetching.link.passed
    fetching.link.rate = 2 * 2**20
    for person in ("ada", "bob"):
        ask(site, person)
    wait_until(lambda: fetching.link.passed > before + 2**20, seconds=20, what="bytes come")
    site.start_server("cyd", image="tiny", flavour="cpu")
    for person in ("ada", "bob"):
        assert site.operator("GET", f"/users/{person}").json()["servers"][""]["pending"] == "spawn"
    fetching.link.rate = None
    for person in ("ada", "bob"):
        wait_until(partial(is_ready, site, person), seconds=60, what="the server is ready")
    assert fetching.link.passed - before < 40 * 2**20


def test_who_leaves_while_the_image_comes_leaves_nothing(fetching: FetchingSite) -> None:
    site = fetching.site
    fetching.link.rate = 2**20
    ask(site, "ada")
    time.sleep(2)
    site.operator("DELETE", "/users/ada/server")
    wait_until(
        lambda: not site.operator("GET", "/users/ada").json()["servers"],
        seconds=15,
        what="the start ends",
    )
    fetching.link.rate = None
    wait_until(
        lambda: site.cards.run("image", "ls", "-q", "--filter", f"reference={TAG}"),
        seconds=30,
        what="the image comes all the same",
    )
    assert site.start_server("ada", image="broken", flavour="cpu").container


def test_a_registry_that_does_not_have_it_is_told_in_a_sentence(fetching: FetchingSite) -> None:
    site = fetching.site
    builds = site.files.builds.read_text(encoding="utf-8")
    try:
        site.files.builds.write_text(builds.replace(TAG, "test/nowhere:1"), encoding="utf-8")
        ask(site, "ada")
        said: list[str] = []
        hearing = threading.Thread(target=lambda: said.extend(heard(site, "ada")))
        hearing.start()
        hearing.join(60)
        assert any("registry did not give the image test/nowhere:1" in word for word in said), said
    finally:
        site.files.builds.write_text(builds, encoding="utf-8")
