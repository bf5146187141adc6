"""Waiting for a GPU in a browser: place and reason, a way out, a way to a CPU, over a restart."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import select
from tests.support import browser as ours
from tests.support.card_site import CardSite, running_with_cards
from tests.support.waiting import wait_until

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.db.tables.gpus import WaitRow
from machinelabs_hub.sites import database_url

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(900)]

HOLDERS = ("h0", "h1", "h2", "h3")
SLOWLY = 120 * ours.SECONDS


@pytest.fixture(scope="module")
def site() -> Iterator[CardSite]:
    """A site whose four cards are all in use."""
    with running_with_cards() as site:
        for user in HOLDERS:
            hold(site, user)
        yield site


def hold(site: CardSite, user: str) -> None:
    site.make_user(user)
    options = {"image": "tiny", "flavour": "whole"}
    site.operator("POST", f"/users/{user}/server", json=options).raise_for_status()
    wait_until(lambda: state(site, user).get("ready"), seconds=180, what=f"{user} has a card")


def state(site: CardSite, user: str) -> dict[str, object]:
    servers = site.operator("GET", f"/users/{user}").json()["servers"]
    return dict(servers.get("", {}))


def waits(site: CardSite) -> list[str]:
    engine = open_engine(database_url(site.settings))
    with session_maker(engine)() as db:
        found = list(db.scalars(select(WaitRow.user).order_by(WaitRow.since)))
    engine.dispose()
    return found


def stand_in_line(site: CardSite, person: BrowserContext, name: str, *, start: bool = True) -> Page:
    """Ask for a card as people do."""
    page = person.new_page()
    ours.sign_in(page, site.url, name, site.make_user(name))
    page.goto(f"{site.url}/hub/spawn/{name}")
    page.locator('input[name="image"][value="tiny"]').check()
    page.locator('input[name="flavour"][value="whole"]').check()
    if start:
        page.get_by_role("button", name="Start").click()
        # A page that is older than the place loads itself anew, and forgets what was done with it.
        expect(page.locator('[data-phase="line"]')).to_be_visible(timeout=SLOWLY)
        expect(page.locator("#place")).to_have_text(re.compile("in line"), timeout=SLOWLY)
    return page


@pytest.mark.pictures
def test_the_page_says_place_and_reason_and_goes_on_over_a_restart_of_the_hub(
    site: CardSite, chromium: Browser, pictures: Path, tmp_path: Path
) -> None:
    first = stand_in_line(site, ours.new_person(chromium), "ahead")
    person = ours.new_person(chromium)
    page = stand_in_line(site, person, "ada")
    expect(page.locator("#place")).to_have_text("2nd in line")
    expect(page.locator("#why")).to_have_text("All 4 GPUs are in use.")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are in line for a GPU")
    expect(page).to_have_title(re.compile("2nd in line"))
    ours.screenshot(page, pictures, "in-line", part="main")
    dark = ours.new_person(chromium, dark=True, narrow=True)
    dark.add_cookies(person.cookies())  # type: ignore[arg-type]
    night = dark.new_page()
    night.goto(f"{site.url}/hub/spawn-pending/ada")
    expect(night.locator("#place")).to_have_text("2nd in line")
    ours.screenshot(night, tmp_path, "in-line-narrow")
    night.close()

    # Nothing but text: what a page without scripts says.
    plain = chromium.new_context(java_script_enabled=False)
    plain.add_cookies(person.cookies())  # type: ignore[arg-type]
    still = plain.new_page()
    still.goto(f"{site.url}/hub/spawn-pending/ada")
    expect(still.locator("#place")).to_have_text("2nd in line")
    expect(still.locator("#why")).to_have_text("All 4 GPUs are in use.")
    expect(still.get_by_role("link", name="Look again")).to_be_visible()

    site.kill_hub()
    expect(page.locator("#likely")).to_have_text(re.compile("started anew"), timeout=SLOWLY)
    site.start_hub()
    expect(page.locator("#likely")).not_to_have_text(re.compile("started anew"), timeout=SLOWLY)
    expect(page.locator("#place")).to_have_text("2nd in line", timeout=SLOWLY)

    first.get_by_role("button", name="Leave the line").click()
    first.wait_for_url("**/hub/home", timeout=SLOWLY)
    expect(page.locator("#place")).to_have_text("1st in line", timeout=SLOWLY)
    assert waits(site) == ["ada"]
    page.get_by_role("button", name="Take a CPU instead").click()
    page.wait_for_url("**/user/ada/**", timeout=SLOWLY)
    assert waits(site) == []
    assert state(site, "ada")["user_options"] == {"image": "tiny", "flavour": "cpu"}
    site.operator("DELETE", "/users/ada/server")


def test_who_leaves_while_the_page_looks_for_the_hub_goes_home(
    site: CardSite, chromium: Browser
) -> None:
    person = ours.new_person(chromium)
    person.add_init_script("AbortSignal.timeout = () => new AbortController().signal")
    page = stand_in_line(site, person, "cleo")
    looks: list[Route] = []
    leaves: list[Route] = []
    streams: list[str] = []

    def look(route: Route) -> None:
        looks.append(route)
        if leaves:
            route.continue_()

    def leave(route: Route) -> None:
        leaves.append(route)

    def listen(route: Route) -> None:
        streams.append(route.request.url)
        route.abort()

    page.route("**/hub/api/users/cleo", look)
    page.route("**/hub/api/users/cleo/server", leave)
    page.route("**/hub/api/users/cleo/server/progress*", listen)
    with page.expect_request("**/hub/api/users/cleo", timeout=SLOWLY):
        page.reload()
    with page.expect_request("**/hub/api/users/cleo/server"):
        page.get_by_role("button", name="Leave the line").click()
    streams.clear()
    looks[0].fulfill(json=site.operator("GET", "/users/cleo").json())
    leaves[0].continue_()
    page.wait_for_url("**/hub/home", timeout=SLOWLY)
    assert streams == []
    wait_until(lambda: "cleo" not in waits(site), seconds=60, what="cleo has left the line")


def test_who_does_not_look_is_told_and_not_let_in_before_they_look(
    site: CardSite, chromium: Browser
) -> None:
    person = ours.new_person(chromium)
    person.grant_permissions(["notifications"], origin=site.url)
    person.add_init_script(
        """
        window.told = [];
        const Real = window.Notification;
        window.Notification = class {
          constructor(title) { window.told.push(title); }
          static get permission() { return "granted"; }
          static requestPermission() { return Promise.resolve("granted"); }
        };
        Object.defineProperty(document, "hidden", { get: () => window.isAway === true });
        """
    )
    page = stand_in_line(site, person, "bea")
    page.get_by_role("button", name="Tell me when it is ready").click()
    expect(page.get_by_role("button", name="You are told when it is ready")).to_be_visible()
    page.evaluate("window.isAway = true")
    site.operator("DELETE", "/users/h0/server")
    expect(page).to_have_title(re.compile("^Ready"), timeout=SLOWLY)
    assert page.evaluate("window.told") == ["Your server is ready"]
    assert "spawn-pending" in page.url
    page.evaluate("window.isAway = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_url("**/user/bea/**", timeout=SLOWLY)
