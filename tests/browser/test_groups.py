"""Labs and groups of the hub, as people use them: share, edit, fork, rename, restore, leave, publish."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.content import cell, notebook
from tests.support.jupyterlab import BOOK, accept_button, dialog_field, open_panel, opened, standing
from tests.support.notebook_server import environment, notebook_server
from tests.support.site import Site
from tests.support.site_labs import publish

pytestmark = [pytest.mark.engine, pytest.mark.browser]

ADA, BEN, CLEO, EVE = "grp-ada", "grp-ben", "grp-cleo", "grp-eve"
GROUP = "grp-vision"
FILES = {"main.ipynb": notebook([cell("code", "print(1)", "a")])}


@pytest.fixture(scope="module")
def group(site: Site) -> str:
    """Ben's and Cleo's group; Ada and Eve are not in it."""
    site.make_group(GROUP, BEN, CLEO)
    return GROUP


@pytest.fixture
def pages(site: Site, chromium: Browser, group: str) -> Iterator[dict[str, Page]]:
    assert group
    made = {name: ours.labs_page(chromium, site, name) for name in (ADA, BEN, EVE)}
    yield made
    for page in made.values():
        page.context.close()


def is_not_there(page: Page, address: str) -> None:
    """See that the page says what it says of a lab that never was."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def share(page: Page, address: str, kind: str, name: str, role: str) -> None:
    page.goto(f"{address}/settings")
    form = page.get_by_role("form", name="Share with somebody")
    form.get_by_label("Share with").select_option(kind)
    form.get_by_label("Name").fill(name)
    form.get_by_label("Role").select_option(role)
    form.get_by_role("button", name="Share").click()
    expect(page.get_by_label(f"Role of {name}")).to_have_value(role)


def test_a_lab_that_is_shared_with_a_group_is_edited_by_its_people_and_not_there_for_others(
    site: Site, pages: dict[str, Page]
) -> None:
    publish(site, site.token(ADA), "plans", FILES)
    address = f"{site.labs_url}/{ADA}/plans"
    for name in (BEN, EVE):
        is_not_there(pages[name], address)
    share(pages[ADA], address, "group", GROUP, "editor")

    ben = pages[BEN]
    ben.goto(f"{site.labs_url}/shared")
    ben.get_by_role("link", name="Plans").click()
    ben.get_by_role("link", name="Settings").click()
    ben.get_by_label("Title").fill("Better plans")
    ben.get_by_role("button", name="Save").click()
    pages[ADA].goto(address)
    expect(pages[ADA].get_by_role("heading", name="Better plans", level=1)).to_be_visible()
    is_not_there(pages[EVE], address)
    # An editor does not share, and what the group gives ends with the group.
    expect(ben.get_by_role("form", name="Share with somebody")).to_have_count(0)
    expect(ben.get_by_role("link", name="Leave this lab…")).to_have_count(0)


def test_a_lab_is_renamed_deleted_and_restored_and_found_by_both_names(
    site: Site, pages: dict[str, Page]
) -> None:
    publish(site, site.token(ADA), "draft", FILES, visibility="public")
    old, new = (f"{site.labs_url}/{ADA}/{name}" for name in ("draft", "paper"))
    ada, eve = pages[ADA], pages[EVE]
    ada.goto(f"{old}/settings")
    form = ada.get_by_role("form", name="Rename")
    form.get_by_label("Name").fill("paper")
    form.get_by_role("button", name="Rename").click()
    expect(ada.get_by_text(f"Also reached at {ADA}/draft")).to_be_visible()
    eve.goto(f"{old}/files")
    expect(eve).to_have_url(f"{new}/files")

    ada.goto(f"{new}/settings")
    ada.get_by_label("to delete it").fill("paper")
    ada.get_by_role("button", name="Delete").click()
    for address in (old, new):
        is_not_there(eve, address)
    row = ada.locator("main tr", has_text=f"{ADA}/paper")
    row.get_by_role("button", name="Restore").click()
    expect(ada).to_have_url(new)
    eve.goto(old)
    expect(eve).to_have_url(new)


@pytest.mark.pictures
def test_a_lab_is_forked_to_a_group_from_its_page_and_its_people_own_the_fork(
    site: Site, chromium: Browser, pages: dict[str, Page], pictures: Path
) -> None:
    publish(site, site.token(ADA), "method", FILES, title="A method")
    address = f"{site.labs_url}/{ADA}/method"
    share(pages[ADA], address, "person", BEN, "runner")
    ben = pages[BEN]
    ben.goto(address)
    ben.get_by_label("More", exact=True).click()
    ben.get_by_role("link", name="Fork to a group…").click()
    expect(ben.get_by_label("Owner")).to_have_value(f"@{GROUP}")
    ours.screenshot(ben, pictures, "fork-to-group")
    ben.get_by_role("button", name="Fork", exact=True).click()
    fork = f"{site.labs_url}/@{GROUP}/method"
    expect(ben).to_have_url(fork)
    expect(ben.locator(".ml-lineage")).to_contain_text(f"{ADA}/method r1")

    # Cleo, who may not see the original, owns the fork as Ben does, and learns nothing of Ada's.
    cleo = ours.labs_page(chromium, site, CLEO)
    cleo.goto(f"{site.labs_url}/@{GROUP}")
    cleo.get_by_role("link", name="A method").click()
    expect(cleo.get_by_role("link", name="Settings")).to_be_visible()
    expect(cleo.locator(".ml-lineage")).to_have_count(0)
    cleo.context.close()
    for name in (ADA, EVE):
        is_not_there(pages[name], fork)
    # Whoever is in no group is not asked.
    pages[ADA].goto(address)
    pages[ADA].get_by_label("More", exact=True).click()
    expect(pages[ADA].get_by_role("link", name="Verify…")).to_be_visible()
    expect(pages[ADA].get_by_role("link", name="Fork to a group…")).to_have_count(0)


def test_who_leaves_a_lab_types_its_name_and_sees_it_no_more(
    site: Site, pages: dict[str, Page]
) -> None:
    publish(site, site.token(ADA), "notes", FILES)
    address = f"{site.labs_url}/{ADA}/notes"
    share(pages[ADA], address, "person", EVE, "viewer")
    eve = pages[EVE]
    eve.goto(address)
    eve.get_by_label("More", exact=True).click()
    eve.get_by_role("link", name="Leave this lab…").click()
    eve.get_by_label("to leave it").fill("other")
    eve.get_by_role("button", name="Leave").click()
    expect(eve.get_by_role("alert")).to_contain_text("Nothing was changed")
    eve.get_by_label("to leave it").fill("notes")
    eve.get_by_role("button", name="Leave").click()
    expect(eve.get_by_text("You left the lab.")).to_be_visible()
    is_not_there(eve, address)
    pages[ADA].goto(f"{address}/settings")
    expect(pages[ADA].get_by_label(f"Role of {EVE}")).to_have_count(0)


def test_a_notebook_is_published_to_a_group_from_the_dialog(
    site: Site, chromium: Browser, group: str, tmp_path: Path
) -> None:
    assert group
    with notebook_server(tmp_path / "ben", **environment(site, BEN)) as server:
        server.write("survey/main.ipynb", BOOK)
        page = opened(chromium, server, "survey/main.ipynb")
        page.locator('[data-command="machinelabs:publish"]').first.click()
        dialog_field(page, "Title").fill("A survey")
        owner = page.get_by_label("Owner")
        expect(owner).to_have_value(BEN)
        owner.select_option(f"@{GROUP}")
        expect(page.get_by_text(f"/@{GROUP}/a-survey")).to_be_visible()
        page.get_by_label("Private").check()
        accept_button(page).click()
        expect(standing(page)).to_have_text(f"@{GROUP}/a-survey · r1")
        # The panel has it with the group's labs, not among one's own.
        open_panel(page, "Mine")
        row = page.locator(".jp-MachineLabs-row", has_text="A survey")
        expect(page.get_by_text("You have published no lab yet")).to_be_visible()
        page.get_by_label("Whose labs").select_option(f"@{GROUP}")
        expect(row.get_by_role("button", name="Open", exact=True)).to_be_visible()
        # The next revision goes to the same lab, and nobody is asked whose it is.
        page.locator('[data-command="machinelabs:publish"]').first.click()
        expect(dialog_field(page, "What changed")).to_be_visible()
        expect(page.get_by_label("Owner")).to_have_count(0)

    address = f"{site.labs_url}/@{GROUP}/a-survey"
    cleo, eve = (ours.labs_page(chromium, site, name) for name in (CLEO, EVE))
    cleo.goto(address)
    expect(cleo.get_by_role("link", name="Settings")).to_be_visible()
    is_not_there(eve, address)

    # In no group, nobody is asked whose the lab is to be.
    with notebook_server(tmp_path / "eve", **environment(site, EVE)) as server:
        server.write("main.ipynb", BOOK)
        page = opened(chromium, server, "main.ipynb")
        page.locator('[data-command="machinelabs:publish"]').first.click()
        expect(dialog_field(page, "Title")).to_be_visible()
        expect(page.get_by_label("Owner")).to_have_count(0)
        page.locator(".jp-Dialog-footer .jp-mod-reject").first.click()
        open_panel(page, "Mine")
        expect(page.get_by_text("You have published no lab yet")).to_be_visible()
        expect(page.get_by_label("Whose labs")).to_have_count(0)
