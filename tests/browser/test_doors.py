"""Every door to publishing in JupyterLab: toolbar, context menu, File menu, palette."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.jupyterlab import (
    BOOK,
    accept_button,
    dialog_field,
    opened,
    run_command,
    standing,
    toast,
)
from tests.support.notebook_server import NotebookServer, environment, notebook_server
from tests.support.site import Site

from machinelabs import Hub, TarStream
from machinelabs.folder import scan

pytestmark = pytest.mark.browser

PERSON = "doors-dora"
FILES = ".jp-MachineLabs-files > ul"


@pytest.fixture(scope="module")
def server(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookServer]:
    with notebook_server(tmp_path_factory.mktemp("dora"), **environment(site, PERSON)) as running:
        running.write("study/main.ipynb", BOOK)
        running.write("study/data.csv", "a,b\n1,2\n")
        yield running


def row(page: Page, name: str) -> None:
    """Open the context menu of a row of the file browser."""
    page.locator(".jp-DirListing-item", has_text=name).first.click(button="right")
    page.locator(".lm-Menu-item", has_text="Publish as lab…").click()


def cancel(page: Page) -> None:
    page.locator(".jp-Dialog-footer .jp-mod-reject").first.click()
    expect(page.locator(".jp-Dialog")).to_have_count(0)


def publish(server: NotebookServer, path: str, name: str, **more: object) -> None:
    draft = {
        "path": path, "title": name.title(), "name": name, "description": "", "tags": [],
        "visibility": "public", "licence": "MIT", "strip": False, **more,
    }  # fmt: skip
    job = server.finish(server.post("publish", draft))
    assert job["state"] == "done", job


@pytest.mark.pictures
def test_each_door_leads_to_the_dialog_about_what_was_chosen(
    chromium: Browser, server: NotebookServer, pictures: Path
) -> None:
    page = opened(chromium, server)
    row(page, "study")
    expect(page.locator(FILES)).to_contain_text("data.csv")
    expect(dialog_field(page, "Title")).to_have_value("Study")
    cancel(page)

    page.locator(".jp-DirListing-item", has_text="study").first.dblclick()
    row(page, "data.csv")
    expect(page.locator(f"{FILES} li")).to_have_count(1)
    expect(page.locator(FILES)).to_contain_text("data.csv")
    cancel(page)

    page.locator(".jp-DirListing-item", has_text="main.ipynb").first.dblclick()
    button = page.locator('[data-command="machinelabs:publish"]').first
    expect(button).to_contain_text("Publish")
    button.click()
    expect(page.locator(f"{FILES} li")).to_contain_text(["main.ipynb"])
    ours.screenshot(page, pictures, "publish")
    cancel(page)

    page.get_by_role("menuitem", name="File", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Publish as lab…").click()
    expect(page.locator(FILES)).to_contain_text("main.ipynb")
    cancel(page)

    run_command(page, "Publish as lab…")
    expect(page.locator(FILES)).to_contain_text("main.ipynb")
    cancel(page)
    assert server.get("labs", scope="mine")["items"] == []


def test_with_nothing_open_the_palette_says_what_to_do(
    chromium: Browser, server: NotebookServer
) -> None:
    page = opened(chromium, server)
    run_command(page, "Publish as lab…")
    expect(page.get_by_text("Open a notebook or choose a file or a folder first.")).to_be_visible()


@pytest.mark.parametrize("label", ["Title", "Name"])
def test_who_is_in_a_field_when_a_title_is_proposed_types_over_it(
    chromium: Browser, server: NotebookServer, label: str
) -> None:
    page = opened(chromium, server, "study/main.ipynb")
    field = dialog_field(page, label)
    with ours.held(page, "**/machinelabs/api/preview*"):
        page.locator('[data-command="machinelabs:publish"]').first.click()
        expect(page.locator(".jp-MachineLabs-publish [role=status]")).to_be_visible()
        field.select_text()
    expect(dialog_field(page, "Title")).to_have_value("Main")
    page.keyboard.insert_text("sum-of-squares")
    expect(field).to_have_value("sum-of-squares")
    page.context.close()


def test_a_name_that_is_emptied_is_proposed_anew_and_typed_over(
    chromium: Browser, server: NotebookServer
) -> None:
    page = opened(chromium, server, "study/main.ipynb")
    page.locator('[data-command="machinelabs:publish"]').first.click()
    field = dialog_field(page, "Name")
    expect(field).to_have_value("main")
    field.select_text()
    page.keyboard.press("Delete")
    expect(field).to_have_value("main")
    page.keyboard.insert_text("squares")
    expect(field).to_have_value("squares")
    page.context.close()


def test_what_was_typed_before_a_title_is_proposed_stays(
    chromium: Browser, server: NotebookServer
) -> None:
    page = opened(chromium, server, "study/main.ipynb")
    with ours.held(page, "**/machinelabs/api/preview*"):
        page.locator('[data-command="machinelabs:publish"]').first.click()
        expect(page.locator(".jp-MachineLabs-publish [role=status]")).to_be_visible()
        dialog_field(page, "Title").fill("Sum of")
    expect(page.locator(FILES)).to_contain_text("main.ipynb")
    page.keyboard.insert_text(" squares")
    expect(dialog_field(page, "Title")).to_have_value("Sum of squares")
    expect(dialog_field(page, "Name")).to_have_value("sum-of-squares")
    page.context.close()


def test_a_publish_over_a_newer_revision_is_refused_and_what_was_typed_stays(
    site: Site, chromium: Browser, server: NotebookServer, tmp_path: Path
) -> None:
    server.write("stale/main.ipynb", BOOK)
    publish(server, "stale", "stale")
    page = opened(chromium, server, "stale/main.ipynb")
    expect(standing(page)).to_have_text(f"{PERSON}/stale · r1")
    server.write("stale/mine.txt", "mine")

    # Meanwhile the same person publishes from another machine.
    (tmp_path / "theirs.txt").write_text("theirs")
    with Hub(f"{site.addresses.labs_local}/services/labs", site.token(PERSON)) as hub:
        stream = TarStream(scan(tmp_path).files)
        hub.labs.revise(f"{PERSON}/stale", stream, base=1, message="From elsewhere")

    page.locator('[data-command="machinelabs:publish"]').first.click()
    dialog_field(page, "What changed").fill("My line")
    accept_button(page).click()
    expect(page.locator(".jp-Dialog [role=alert]")).to_contain_text("r2 of")
    expect(dialog_field(page, "What changed")).to_have_value("My line")
    cancel(page)
    assert (server.home / "stale/mine.txt").read_text() == "mine"
    assert server.get("standing", path="stale")["lab"]["newest"] == 2


def test_an_upload_can_be_cancelled_and_leaves_no_lab(
    chromium: Browser, server: NotebookServer
) -> None:
    server.write("large/main.ipynb", BOOK)
    with (server.home / "large/data.bin").open("wb") as file:
        file.truncate(500 << 20)
    page = opened(chromium, server, "large/main.ipynb")
    page.locator('[data-command="machinelabs:publish"]').first.click()
    page.get_by_text("The whole folder large").click()
    expect(page.locator(FILES)).to_contain_text("data.bin")
    accept_button(page).click()
    toast(page, "Publishing").get_by_role("button", name="Cancel").click()
    expect(toast(page, "Cancelled. Nothing was published.")).to_be_visible()
    assert server.get("standing", path="large")["lab"] is None
    assert "large" not in [lab["name"] for lab in server.get("labs", scope="mine")["items"]]
