"""The start page in a browser: cards, the choice that is remembered, choices that are refused."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.site import Site

pytestmark = [pytest.mark.engine, pytest.mark.browser]

PERSON, STRANGER = "start-stella", "start-sven"


def start_page(page: Page, site: Site, person: str, query: str = "") -> None:
    ours.sign_in(page, site.url, person, site.make_user(person))
    page.goto(f"{site.url}/hub/spawn/{person}{query}")


@pytest.mark.pictures
def test_cards_say_what_is_inside_and_the_last_choice_comes_back(
    site: Site, chromium: Browser, pictures: Path
) -> None:
    page = ours.new_person(chromium).new_page()
    start_page(page, site, PERSON)
    images = page.get_by_role("group", name="Image").locator("label")
    expect(images).to_have_count(3)
    expect(images.filter(has_text="numpy")).to_contain_text(["pandas"])
    base = page.locator('input[name="image"][value="base"]')
    expect(base).not_to_be_checked()
    ours.screenshot(page, pictures, "start")
    # The whole card is its label, and a card that is chosen by keyboard is chosen.
    images.filter(has=base).click()
    page.locator('input[name="flavour"][value="cpu-small"]').focus()
    page.keyboard.press("ArrowDown")
    chosen = page.locator('input[name="flavour"]:checked').get_attribute("value")
    assert chosen != "cpu-small"
    # What comes next is held until the page that waits for it is taken.
    with ours.held(page, "**/user/*/lab**"):
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_text("Waiting for JupyterLab")).to_be_visible()
        ours.screenshot(page, pictures, "waiting")
    page.wait_for_url("**/user/*/lab**", timeout=ours.START_TIMEOUT)

    site.stop_server(PERSON)
    page.goto(f"{site.url}/hub/spawn/{PERSON}")
    expect(base).to_be_checked()
    expect(page.locator(f'input[name="flavour"][value="{chosen}"]')).to_be_checked()


def test_what_is_not_offered_is_refused_with_a_sentence_and_the_page_stays(
    site: Site, chromium: Browser
) -> None:
    page = ours.new_person(chromium).new_page()
    start_page(page, site, STRANGER)
    page.locator('input[name="image"]').first.evaluate("input => input.value = 'root-shell'")
    page.locator('input[name="image"]').first.check(force=True)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("root-shell")
    expect(page.get_by_role("group", name="Image")).to_be_visible()

    # A link that chooses is held to the same list.
    page.goto(f"{site.url}/hub/spawn/{STRANGER}?image=root-shell&flavour=cpu-small")
    expect(page.locator("main")).to_contain_text("root-shell")
    gpu = page.locator('input[name="flavour"][value^="gpu"]').first
    page.goto(f"{site.url}/hub/spawn/{STRANGER}")
    expect(gpu).to_be_disabled()
    assert site.operator("GET", f"/users/{STRANGER}").json()["servers"] == {}
