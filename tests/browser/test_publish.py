"""JupyterLab in a person's container: publish, publish again, find it, fork it, publish the fork."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.jupyterlab import BOOK, accept_button, dialog_field, open_panel
from tests.support.site import Server, Site

pytestmark = [pytest.mark.engine, pytest.mark.browser]

OWNER, OTHER = "pub-olga", "pub-omar"


def lab_of(site: Site, chromium: Browser, person: str, path: str, *, dark: bool = False) -> Page:
    """Sign a person in and open their JupyterLab on the file `path`."""
    page = ours.new_person(chromium, dark=dark).new_page()
    ours.sign_in(page, site.url, person, site.make_user(person))
    page.goto(f"{site.server_url(person)}lab{path and f'/tree/{path}'}?reset")
    ours.wait_for_lab(page)
    return page


def put(server: Server, path: str, content: object, kind: str = "notebook") -> None:
    body: dict[str, Any] = {"type": kind, "content": content}
    if kind == "file":
        body["format"] = "text"
    with server.client() as client:
        client.put(f"api/contents/{path}", json=body).raise_for_status()


def publish_twice(site: Site, chromium: Browser, pictures: Path) -> None:
    server = site.start_server(OWNER)
    put(server, "survey", None, "directory")
    put(server, "survey/main.ipynb", BOOK)
    put(server, "survey/data.csv", "a,b\n1,2\n", "file")
    page = lab_of(site, chromium, OWNER, "survey/main.ipynb")
    ours.run_all_cells(page)

    # The dialog shows exactly what would leave, and follows the choice of what.
    page.locator('[data-command="machinelabs:publish"]').first.click()
    expect(page.locator(".jp-MachineLabs-files li")).to_have_text([re.compile("main.ipynb")])
    page.get_by_text("The whole folder survey").click()
    expect(page.locator(".jp-MachineLabs-files ul").first).to_contain_text("data.csv")
    dialog_field(page, "Title").fill("A survey of answers")
    expect(dialog_field(page, "Name")).to_have_value("a-survey-of-answers")
    dialog_field(page, "Name").fill("Not A Name")
    expect(accept_button(page)).to_be_disabled()
    dialog_field(page, "Name").fill("survey")
    ours.screenshot(page, pictures, "dialog")
    accept_button(page).click()
    expect(page.get_by_text(f"Published {OWNER}/survey as r1.").first).to_be_visible()
    standing = page.locator(".jp-MachineLabs-status")
    expect(standing).to_have_text(f"{OWNER}/survey · r1")

    # A change is counted once it is saved; a click publishes the next revision.
    page.locator(".jp-CodeCell .cm-content").click()
    page.keyboard.type("\n# more")
    page.keyboard.press("Control+s")
    expect(standing).to_have_text(f"{OWNER}/survey · r1 · 1 changed")
    standing.get_by_role("button").click()
    expect(page.get_by_text("Publish r2 of").first).to_be_visible()
    accept_button(page).click()
    expect(standing).to_have_text(f"{OWNER}/survey · r2")
    open_panel(page, "Mine")
    expect(page.locator(".jp-MachineLabs-row")).to_contain_text(["A survey of answers"])
    ours.screenshot(page, pictures, "panel")


def test_a_notebook_is_published_found_forked_and_published_again(
    site: Site, chromium: Browser, pictures: Path
) -> None:
    publish_twice(site, chromium, pictures)

    # Another person finds and forks it; the fork is theirs, and so is its next revision.
    site.start_server(OTHER)
    other = lab_of(site, chromium, OTHER, "", dark=True)
    open_panel(other, "Explore")
    other.get_by_label("Search labs").fill("survey of answers")
    row = other.locator(".jp-MachineLabs-row", has_text=f"{OWNER}/survey")
    expect(row).to_have_count(1)
    row.get_by_role("button", name="Fork and open").click()
    expect(other.locator(".jp-MachineLabs-status")).to_have_text(f"{OTHER}/survey · r1")
    expect(other.locator(".jp-NotebookPanel .cm-content").first).to_contain_text("# more")
    ours.screenshot(other, pictures, "fork")
    ours.run_all_cells(other)
    other.locator(".jp-CodeCell .cm-content").click()
    other.keyboard.type("\n# theirs")
    other.keyboard.press("Control+s")
    expect(other.locator(".jp-MachineLabs-status")).to_contain_text("1 changed")
    other.locator(".jp-MachineLabs-status button").click()
    accept_button(other).click()
    expect(other.locator(".jp-MachineLabs-status")).to_have_text(f"{OTHER}/survey · r2")
    open_panel(other, "Recent")
    expect(other.locator(".jp-MachineLabs-row").first).to_contain_text(f"{OTHER}/survey")
