"""`ml login` against a real hub: the same code here and there, a yes, a narrow token, a no."""

import os
import re
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.ml import Terminal, command, terminal
from tests.support.site import Site

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.db.tables.requests import HandshakeRow
from machinelabs_hub.scopes import PROGRAM_TOKEN, READ_LABS
from machinelabs_hub.sites import database_url

pytestmark = [pytest.mark.engine, pytest.mark.browser]

PERSON = "connect-ada"


@pytest.fixture(scope="module")
def page(site: Site, chromium: Browser) -> Page:
    page = ours.new_person(chromium).new_page()
    ours.sign_in(page, site.url, PERSON, site.make_user(PERSON))
    return page


class Login:
    """A running `ml login`."""

    def __init__(self, at: Terminal, site: Site) -> None:
        self.process = subprocess.Popen(
            command("login", site.url, "--no-browser"),
            cwd=at.folder, env=at.environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stderr is not None
        self.url = self.process.stderr.readline().removeprefix("Open ").strip()
        self.code = self.process.stderr.readline().split()[-1]

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


def test_a_yes_to_the_same_code_signs_in_with_a_narrow_token(
    site: Site, page: Page, tmp_path: Path
) -> None:
    at = terminal(tmp_path)
    login = Login(at, site)
    assert re.fullmatch("[B-Z]{4}-[B-Z]{4}", login.code)
    page.goto(login.url)
    expect(page.locator(".ml-pairing")).to_have_text(login.code)
    expect(page.locator("main")).to_contain_text(os.uname().nodename)
    expect(page.locator("main")).to_contain_text(PERSON)
    ours.screenshot(page, tmp_path, "connect")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("heading", name="Connected")).to_be_visible()
    code, out, err = login.end()
    assert (code, out) == (0, f"You are signed in to {site.url} as {PERSON}.\n"), err
    assert at.done("search", "--owner", PERSON)["items"] == []

    # The hub lists it by its device; what was granted to make it has ended; it holds no more.
    tokens = site.operator("GET", f"/users/{PERSON}/tokens").json()["api_tokens"]
    made = [row for row in tokens if row["note"] == f"ml on {os.uname().nodename}"]
    assert [set(row["scopes"]) for row in made] == [expanded(PROGRAM_TOKEN)]
    assert made[0]["expires_at"]
    assert not [row for row in tokens if any("tokens" in scope for scope in row["scopes"])]
    page.goto(f"{site.url}/hub/token")
    expect(page.locator("main, body").first).to_contain_text("ml on")

    # Neither table nor log keeps it.
    engine = open_engine(database_url(site.settings))
    with session_maker(engine)() as db:
        assert db.query(HandshakeRow).filter_by(person=PERSON).count() == 0
    engine.dispose()

    # Revoked there, it is refused here with what to do about it.
    site.operator("DELETE", f"/users/{PERSON}/tokens/{made[0]['id']}").raise_for_status()
    kept = (at.home / ".config/machinelabs/credentials.json").read_text()
    token = re.findall(r'": "([0-9a-f]{32,})"', kept)[0]
    assert token not in site.log("labs") + site.log("hub") + site.log("proxy")
    until_forgotten(site, token)
    refused = at.ml("search", "x")
    assert (refused.code, "ml login" in refused.err) == (4, True), refused.err


def expanded(scopes: list[str]) -> set[str]:
    """Return scopes as the hub lists them: of this person, writing with reading."""
    return {READ_LABS, *(scope.replace("!user", f"!user={PERSON}") for scope in scopes)}


def until_forgotten(site: Site, token: str) -> None:
    """Wait until the labs service asks the hub about a token anew."""
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(60):
        if httpx.get(f"{site.labs_url}/api/v1/me", headers=headers).status_code == 401:
            return
        time.sleep(1)


def test_a_no_signs_nothing_in(site: Site, page: Page, tmp_path: Path) -> None:
    login = Login(terminal(tmp_path), site)
    page.goto(login.url)
    page.get_by_role("button", name="Not me").click()
    expect(page.get_by_role("heading", name="Not connected")).to_be_visible()
    code, out, err = login.end()
    assert (code, out) == (5, "")
    assert "not you" in err
    page.goto(login.url)
    expect(page.get_by_role("alert")).to_contain_text("No program waits for this code")


def test_another_site_cannot_say_yes_and_a_stranger_is_asked_to_sign_in(
    site: Site, tmp_path: Path
) -> None:
    begun = httpx.post(f"{site.labs_url}/api/v1/handshakes", json={"device": "x"}).json()
    browser = site.sign_in(PERSON)
    browser.get(begun["url"])
    forged = browser.post(
        f"{site.labs_url}/connect", data={"code": begun["code"], "answer": "yes", "_csrf": "x"}
    )
    assert forged.status_code == 403
    stranger = httpx.get(begun["url"])
    assert "/services/labs/login" in stranger.headers["location"]
    fetch = f"{site.labs_url}/api/v1/handshakes/token"
    waiting = httpx.post(fetch, json={"secret": begun["secret"]})
    assert waiting.json() == {"state": "waiting", "token": None}
    assert waiting.headers["cache-control"] == "no-store"
    wrong = httpx.post(fetch, json={"secret": begun["code"]})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "no_handshake")
