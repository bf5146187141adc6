"""Sign in at a real OpenID Connect provider, through the browser."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import new_person
from tests.support.hub import Hub, running_hub
from tests.support.places import free_port

pytestmark = pytest.mark.browser

PEOPLE = [
    {
        "sub": "1",
        "preferred_username": "Jane.Doe@example.org",
        "groups": ["/lab/staff", "students"],
    },
    {"sub": "2", "preferred_username": "mallory", "groups": ["strangers"]},
    {"sub": "3", "preferred_username": "chief", "groups": ["chiefs", "students"]},
    {"sub": "4", "preferred_username": "jane-doe", "groups": ["students"]},
    {"sub": "5", "preferred_username": "by-name", "groups": []},
]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """A provider on loopback that knows PEOPLE; anybody is let in there by their subject."""
    port = free_port(1)
    claims = [part for person in PEOPLE for part in ("--user-claims", json.dumps(person))]
    program = Path(sys.executable).with_name("oidc-provider-mock")
    process = subprocess.Popen(
        [program, "--port", str(port), *claims],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 60
    while not _answers(f"{url}/.well-known/openid-configuration"):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.2)
    yield url
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="module")
def hub(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    oauth = {
        "client_id": "machinelabs",
        "client_secret": "a secret of the test",
        "issuer": provider,
        "provider_name": "Example University",
        "allowed_users": ["By-Name"],
        "allowed_groups": ["students"],
        "admin_groups": ["chiefs"],
    }
    with running_hub(tmp_path_factory.mktemp("oidc"), kind="oidc", oauth=oauth) as running:
        yield running


def sign_in(chromium: Browser, hub: Hub, subject: str) -> Page:
    """Go from the hub's button over the provider's page and back."""
    page = new_person(chromium).new_page()
    page.goto(f"{hub.url}/hub/login")
    page.get_by_role("link", name="Sign in with Example University").click()
    page.locator("input[name=sub]").fill(subject)
    page.locator("button[type=submit], input[type=submit]").first.click()
    page.wait_for_url(f"{hub.url}/hub/**")
    return page


def test_a_member_is_let_in_and_their_groups_become_hub_groups(chromium, hub):
    page = sign_in(chromium, hub, "1")
    expect(page.get_by_role("heading", name="Welcome, jane-doe")).to_be_visible()
    assert hub.groups_of("jane-doe") == {"lab/staff", "students"}
    assert hub.person("jane-doe")["admin"] is False


def test_a_stranger_is_refused_with_a_sentence_and_no_account(chromium, hub):
    page = sign_in(chromium, hub, "2")
    expect(
        page.get_by_text("knows you as mallory, but this site does not let you in")
    ).to_be_visible()
    with pytest.raises(httpx.HTTPStatusError):
        hub.person("mallory")


def test_a_member_of_the_admin_group_is_an_admin(chromium, hub):
    page = sign_in(chromium, hub, "3")
    page.get_by_label("Menu of chief").click()
    page.get_by_role("link", name="People").click()
    expect(page.get_by_role("heading", name="People", exact=True)).to_be_visible()
    assert hub.person("chief")["admin"] is True


def test_two_people_whose_names_look_alike_are_not_made_one(chromium, hub):
    sign_in(chromium, hub, "1")
    page = sign_in(chromium, hub, "4")
    expect(page.get_by_role("heading", name="Welcome, jane-doe-2")).to_be_visible()


def test_a_person_is_let_in_by_name_alone(chromium, hub):
    page = sign_in(chromium, hub, "5")
    expect(page.get_by_role("heading", name="Welcome, by-name")).to_be_visible()
    assert hub.groups_of("by-name") == set()


def test_the_hub_starts_again_while_the_provider_is_away(provider, hub, chromium):
    kept = hub.data / "run" / "oidc.json"
    assert json.loads(kept.read_text(encoding="utf-8"))["issuer"] == provider


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False
