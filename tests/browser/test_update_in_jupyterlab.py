"""Catching up with the original in JupyterLab: what will change, doing it, conflicts, undo."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.support import browser as ours
from tests.support.jupyterlab import (
    BOOK,
    accept_button,
    open_panel,
    opened,
    run_command,
    standing,
    toast,
)
from tests.support.notebook_server import NotebookServer, environment, notebook_server
from tests.support.site import Site

pytestmark = pytest.mark.browser

AUTHOR, FORKER = "upd-anna", "upd-ben"
LAB = "seasons"


@pytest.fixture(scope="module")
def anna(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookServer]:
    with notebook_server(tmp_path_factory.mktemp("anna"), **environment(site, AUTHOR)) as server:
        yield server


@pytest.fixture(scope="module")
def ben(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookServer]:
    with notebook_server(tmp_path_factory.mktemp("ben"), **environment(site, FORKER)) as server:
        yield server


def book(*sources: str) -> dict[str, Any]:
    cells = [
        {**BOOK["cells"][0], "id": f"c{at}", "source": text} for at, text in enumerate(sources)
    ]
    return {**BOOK, "cells": cells}


def publish(server: NotebookServer, message: str) -> None:
    job = server.finish(server.post("revise", {"path": LAB, "message": message}))
    assert job["state"] == "done", job


@pytest.mark.pictures
def test_a_fork_takes_over_what_the_original_changed_and_gives_it_back(
    chromium: Browser, anna: NotebookServer, ben: NotebookServer, pictures: Path
) -> None:
    anna.write(f"{LAB}/main.ipynb", book("spring = 1", "summer = 2", "autumn = 3"))
    draft = {
        "path": LAB, "title": "Seasons", "name": LAB, "description": "", "tags": [],
        "visibility": "public", "licence": "MIT", "strip": False,
    }  # fmt: skip
    job = anna.finish(anna.post("publish", draft))
    assert job["state"] == "done", job
    ben.post("open", {"lab": f"{AUTHOR}/{LAB}", "fork": True})
    anna.write(f"{LAB}/main.ipynb", book("spring = 1", "summer = 20", "autumn = 3", "winter = 4"))
    anna.write(f"{LAB}/notes.md", "New.\n")
    publish(anna, "Winter comes")

    # An edit that is not saved yet is saved, and merged with what is new.
    page = opened(chromium, ben, f"labs/{LAB}/main.ipynb")
    due = standing(page).get_by_role("button", name="r2 of the original is newer: Update…")
    expect(due).to_be_visible()
    open_panel(page, "Explore")
    original = page.locator(".jp-MachineLabs-row", has_text=f"{AUTHOR}/{LAB}")
    expect(original.get_by_role("button", name="Fork and open")).to_be_visible()
    ours.screenshot(page, pictures, "panel")
    page.locator('li[data-id="filebrowser"]').click()
    cells = page.locator(".jp-NotebookPanel .jp-CodeCell .cm-content")
    cells.first.click()
    page.keyboard.press("End")
    page.keyboard.type("  # mine")
    due.click()
    listed = page.locator(".jp-MachineLabs-files li")
    expect(listed).to_contain_text([re.compile("main.ipynb.*merged"), re.compile("notes.md.*new")])
    ours.screenshot(page, pictures, "update")
    accept_button(page).click()
    done = toast(page, f"Your files now hold r2 of {AUTHOR}/{LAB}.")
    expect(done).to_be_visible()
    expect(cells).to_have_text(["spring = 1  # mine", "summer = 20", "autumn = 3", "winter = 4"])
    expect(due).to_have_count(0)

    # Undone, the notebook in front is as it was, edit and all.
    done.get_by_role("button", name="Undo").click()
    expect(toast(page, "Your files are as they were before r2 came in.")).to_be_visible()
    expect(cells).to_have_text(["spring = 1  # mine", "summer = 2", "autumn = 3"])
    assert not (ben.home / f"labs/{LAB}/notes.md").exists()

    # What both changed is kept, both sides, and said.
    ben.write(f"labs/{LAB}/notes.md", "Mine.\n")
    run_command(page, "Update this lab from its original…")
    expect(page.locator(".jp-Dialog [role=alert]")).to_contain_text("1 place")
    accept_button(page).click()
    expect(toast(page, "1 place holds both sides")).to_be_visible()
    assert (ben.home / f"labs/{LAB}/notes.md").read_text() == "Mine.\n"
    assert (ben.home / f"labs/{LAB}/notes (r2).md").read_text() == "New.\n"
    run_command(page, "Update this lab from its original…")
    expect(toast(page, "Your files hold all of r2")).to_be_visible()


def test_history_and_proposing_lead_to_the_pages(
    site: Site, chromium: Browser, ben: NotebookServer
) -> None:
    page = opened(chromium, ben, f"labs/{LAB}/main.ipynb")
    expect(standing(page)).to_contain_text(f"{FORKER}/{LAB}")
    for label, address in (
        ("Show the history of this lab", f"/{FORKER}/{LAB}/revisions"),
        ("Propose changes to the original…", f"/{AUTHOR}/{LAB}/proposals/new"),
    ):
        with page.expect_popup() as popup:
            run_command(page, label)
        assert address in popup.value.url or "login" in popup.value.url
        popup.value.close()


def test_a_lone_notebook_keeps_its_lab_when_the_file_browser_renames_it(
    chromium: Browser, ben: NotebookServer
) -> None:
    ben.write("alone.ipynb", BOOK)
    draft = {
        "path": "alone.ipynb", "title": "Alone", "name": "alone", "description": "", "tags": [],
        "visibility": "public", "licence": "MIT", "strip": False,
    }  # fmt: skip
    job = ben.finish(ben.post("publish", draft))
    assert job["state"] == "done", job
    page = opened(chromium, ben, "alone.ipynb")
    expect(standing(page)).to_have_text(f"{FORKER}/alone · r1")
    page.locator(".jp-DirListing-item", has_text="alone.ipynb").click()
    page.keyboard.press("F2")
    page.locator(".jp-DirListing-editor").fill("renamed.ipynb")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-DirListing-item", has_text="renamed.ipynb")).to_be_visible()
    expect(standing(page)).to_have_text(f"{FORKER}/alone · r1 · 2 changed")
