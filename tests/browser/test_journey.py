"""The main job, as two people do it: start, compute, publish, read, fork, run, publish the fork."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.site import Site

pytestmark = [pytest.mark.engine, pytest.mark.browser]

OWNER, OTHER = "journey-ada", "journey-ben"
LAB = "sum-of-squares"


def start_a_server(page: Page, site: Site) -> None:
    """Start the server that the start page proposes and wait for JupyterLab."""
    page.goto(f"{site.url}/hub/home")
    page.get_by_role("link", name="Start a notebook").click()
    # A quick start must not be over before the page that waits for it is seen.
    with ours.held(page, "**/user/*/lab**"):
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_text("Waiting for JupyterLab")).to_be_visible()
    page.wait_for_url("**/user/*/lab**", timeout=ours.START_TIMEOUT)
    ours.wait_for_lab(page)


def write_a_notebook(page: Page, source: str) -> None:
    page.locator('.jp-LauncherCard[data-category="Notebook"]').first.click()
    ours.wait_for_kernel(page)
    page.locator(".jp-NotebookPanel .cm-content").first.click()
    page.keyboard.type(source)
    page.keyboard.press("Shift+Enter")
    ours.wait_for_kernel(page)
    expect(page.locator(".jp-OutputArea-output").first).to_contain_text("285")
    page.keyboard.press("Control+s")
    expect(page.locator(".jp-DirListing-item", has_text="Untitled.ipynb")).to_be_visible()


def publish(page: Page, title: str) -> None:
    page.locator('[data-command="machinelabs:publish"]').first.click()
    page.get_by_role("textbox", name="Title", exact=True).fill(title)
    page.locator(".jp-Dialog-footer .jp-mod-accept").click()
    expect(page.get_by_text(f"Published {OWNER}/{LAB} as r1.").first).to_be_visible()


def test_a_notebook_becomes_a_lab_that_another_person_forks_runs_and_publishes(
    site: Site, chromium: Browser, pictures: Path
) -> None:
    # The first person starts a server, runs a cell and publishes the notebook.
    ada = ours.new_person(chromium).new_page()
    ours.sign_in(ada, site.url, OWNER, site.make_user(OWNER))
    start_a_server(ada, site)
    write_a_notebook(ada, "sum(n * n for n in range(10))")
    publish(ada, "Sum of squares")

    # Anybody reads it without signing in: code, output, and where it comes from.
    visitor = ours.new_person(chromium).new_page()
    visitor.goto(site.labs_url)
    visitor.get_by_role("link", name="Sum of squares").first.click()
    expect(visitor).to_have_url(f"{site.labs_url}/{OWNER}/{LAB}")
    expect(visitor.locator("main")).to_contain_text("range(10)")
    expect(visitor.locator("main")).to_contain_text("285")
    expect(visitor.get_by_role("link", name="Sign in")).to_be_visible()
    ours.screenshot(visitor, pictures, "lab")

    # The second person follows the bare link: sign in, fork, start, land on the notebook.
    ben = ours.new_person(chromium).new_page()
    password = site.make_user(OTHER)
    ben.goto(f"{site.url}/services/labs/{OWNER}/{LAB}/open")
    ben.wait_for_url("**/hub/login**")
    ben.get_by_label("User name").fill(OTHER)
    ben.locator("input[type=password]").fill(password)
    ben.locator("form [type=submit]").first.click()
    ben.wait_for_url(re.compile(r"/user/.*/lab/tree/labs/"), timeout=ours.START_TIMEOUT)
    ours.wait_for_lab(ben)
    expect(ben.locator(".jp-MachineLabs-status")).to_have_text(f"{OTHER}/{LAB} · r1")
    ours.run_all_cells(ben)
    expect(ben.locator(".jp-OutputArea-output").first).to_contain_text("285")
    ben.locator(".jp-NotebookPanel .cm-content").first.click()
    ben.keyboard.press("Control+End")
    ben.keyboard.type("  # and below")
    ben.keyboard.press("Control+s")
    expect(ben.locator(".jp-MachineLabs-status")).to_contain_text("1 changed")
    ben.locator(".jp-MachineLabs-status button").click()
    ben.locator(".jp-Dialog-footer .jp-mod-accept").click()
    expect(ben.locator(".jp-MachineLabs-status")).to_have_text(f"{OTHER}/{LAB} · r2")

    # Both pages show the lineage; the original did not change.
    visitor.goto(f"{site.labs_url}/{OTHER}/{LAB}")
    expect(visitor.locator(".ml-lineage")).to_contain_text(f"{OWNER}/{LAB} r1")
    expect(visitor.locator("main")).to_contain_text("# and below")
    visitor.goto(f"{site.labs_url}/{OWNER}/{LAB}/forks")
    expect(visitor.locator(f'main article a[href$="/{OTHER}/{LAB}"]')).to_have_count(1)
    visitor.goto(f"{site.labs_url}/{OWNER}/{LAB}")
    expect(visitor.locator("main")).not_to_contain_text("# and below")

    # Opening it once more finds the fork and the running server, and keeps what is there.
    ben.goto(f"{site.labs_url}/{OWNER}/{LAB}/open")
    ben.wait_for_url(re.compile(r"/user/.*/lab/tree/labs/"), timeout=ours.START_TIMEOUT)
    ours.wait_for_lab(ben)
    expect(ben.locator(".jp-MachineLabs-status")).to_have_text(f"{OTHER}/{LAB} · r2")
