"""How the labs' pages answer in a real browser: search, keyboard, copying, the outline."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import new_person
from tests.support.content import cell, moons_lab, notebook
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.proposals import ProposalService

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs")) as running:
        lab = running.publish(
            "ada",
            moons_lab(),
            title="Two moons",
            description="How far a tiny network gets",
            tags=("numpy", "teaching"),
            image="datascience",
        )
        fork = running.fork("grace", lab)
        running.revise(lab, moons_lab() | {"model.py": b"x = 2\n"}, "Train faster")
        running.revise(fork, moons_lab() | {"model.py": b"x = 3\n"}, "Mine")
        proposals = ProposalService(tools=running.tools, viewer=Person("grace", "Grace"))
        proposals.propose(lab, fork.path, title="Train more", text="It **helps**.")
        proposals.comment(lab, 1, "See the last plot.", path="model.py")
        for number in range(30):
            files = {"main.ipynb": notebook([cell("code", f"print({number})", "a")])}
            running.publish("bob", files, title=f"Exercise {number}", tags=("exercise",))
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = new_person(chromium)
    yield context.new_page()
    context.close()


def test_search_narrows_as_one_types_and_the_address_follows(
    page: Page, server: LabsServer
) -> None:
    page.goto(f"{server.url}/")
    page.get_by_label("Search labs").fill("moons")
    expect(page.locator(".ml-lab-card")).to_have_count(2)
    expect(page).to_have_url(re.compile("q=moons"))
    page.get_by_label("Search labs").fill("no such lab")
    expect(page.get_by_text("No lab has all of that")).to_be_visible()


def test_more_goes_on_until_the_last(page: Page, server: LabsServer) -> None:
    page.goto(f"{server.url}/")
    expect(page.locator(".ml-lab-card")).to_have_count(24)
    page.get_by_role("link", name="More").click()
    expect(page.locator(".ml-lab-card")).to_have_count(32)
    expect(page.get_by_role("link", name="More")).to_have_count(0)


def test_all_can_be_read_without_scripts(chromium: Browser, server: LabsServer) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.url}/?q=moons")
    page.get_by_role("link", name="Two moons").first.click()
    expect(page.get_by_role("heading", name="The boundary")).to_be_visible()
    page.get_by_role("link", name="Files").first.click()
    page.get_by_role("link", name="model.py", exact=True).click()
    expect(page.locator("code")).to_contain_text("x = ")
    context.close()


def test_code_is_copied_and_cells_have_addresses(page: Page, server: LabsServer) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server.url}/ada/two-moons#cell-plot")
    code = page.locator("#cell-plot .ml-code")
    code.hover()
    code.get_by_role("button", name="Copy").click()
    expect(code.get_by_role("button")).to_have_text("Copied")


def test_the_outline_leads_to_headings(page: Page, server: LabsServer) -> None:
    page.goto(f"{server.url}/ada/two-moons")
    page.get_by_role("navigation", name="Outline").get_by_text("The boundary").click()
    expect(page.get_by_role("heading", name="The boundary")).to_be_in_viewport()


def test_the_keyboard_reaches_the_content_past_the_header(page: Page, server: LabsServer) -> None:
    page.goto(f"{server.url}/ada/two-moons")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="ada", exact=True)).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_the_open_tab_is_in_sight_in_a_narrow_window(
    chromium: Browser, server: LabsServer, *, scripts: bool
) -> None:
    context = chromium.new_context(
        java_script_enabled=scripts, viewport={"width": 375, "height": 800}
    )
    page = context.new_page()
    page.goto(f"{server.url}/ada/two-moons/proposals")
    tab = page.locator(".ml-tabs [aria-current]")
    expect(tab).to_contain_text("Proposals")
    expect(tab).to_be_in_viewport(ratio=1)
    context.close()
