"""What an owner does on the labs' pages: change what is said, hide, delete, restore; upload data."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.support import browser as ours
from tests.support.content import cell, notebook
from tests.support.site import Site

from machinelabs import Hub, LabDraft, TarStream
from machinelabs.folder import scan

pytestmark = [pytest.mark.engine, pytest.mark.browser]

OWNER = "own-olive"


def test_an_owner_changes_hides_deletes_and_restores_a_lab(
    site: Site, chromium: Browser, tmp_path: Path
) -> None:
    (tmp_path / "main.ipynb").write_bytes(notebook([cell("code", "print(1)", "a")]))
    address = f"{site.addresses.labs_local}/services/labs"
    with Hub(address, site.token(OWNER)) as hub:
        draft = LabDraft("First words", name="words", visibility="public")
        hub.labs.publish(draft, TarStream(scan(tmp_path).files))
    lab = f"{site.labs_url}/{OWNER}/words"
    visitor = ours.new_person(chromium).new_page()
    page = ours.new_person(chromium).new_page()
    ours.sign_in(page, site.url, OWNER, site.make_user(OWNER))

    page.goto(f"{site.labs_url}/login?next=/services/labs/{OWNER}/words")
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Title").fill("Better words")
    page.get_by_label("Private").check()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="Better words")).to_be_visible()
    answer = visitor.goto(lab)
    assert answer is not None
    assert answer.status == 404

    # A wrong name deletes nothing.
    page.goto(f"{lab}/settings")
    confirm = page.get_by_label("to delete it")
    confirm.fill("other")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.goto(f"{lab}/settings")
    confirm.fill("words")
    page.get_by_role("button", name="Delete").click()
    row = page.locator("main tr", has_text="Better words")
    expect(row).to_have_count(1)
    gone = page.goto(lab)
    assert gone is not None
    assert gone.status == 404

    page.goto(f"{site.labs_url}/trash")
    row.get_by_role("button", name="Restore").click()
    page.goto(lab)
    expect(page.get_by_role("heading", name="Better words")).to_be_visible()


def test_an_owner_makes_a_dataset_and_uploads_its_first_version(
    site: Site, chromium: Browser, tmp_path: Path
) -> None:
    (tmp_path / "scans").mkdir()
    # Of two parts, through the door and the proxy.
    pixels = bytes(range(256)) * (20 << 12)
    (tmp_path / "scans" / "pixels.bin").write_bytes(pixels)
    (tmp_path / "scans" / "README.md").write_bytes(b"# By hand\n")
    page = ours.labs_page(chromium, site, OWNER)
    page.goto(f"{site.labs_url}/datasets")
    page.get_by_role("link", name="New dataset").first.click()
    page.get_by_label("Name", exact=True).fill("scans")
    page.get_by_role("button", name="Make the dataset").click()
    page.get_by_label("Or a folder").set_input_files(tmp_path / "scans")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="By hand")).to_be_visible()
    address = f"{site.addresses.labs_local}/services/labs"
    with (
        Hub(address, site.token(OWNER)) as hub,
        hub.datasets.read(f"{OWNER}/scans", 1, "pixels.bin") as file,
    ):
        assert file.read() == pixels
