"""Compare, restore and propose, as two people do it in their browsers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.content import moons_lab
from tests.support.site import Site

from machinelabs import Hub, LabDraft, TarStream
from machinelabs.folder import scan

pytestmark = [pytest.mark.engine, pytest.mark.browser]

ADA, BEN = "offer-ada", "offer-ben"


def files(folder: Path, name: str, **changed: bytes) -> TarStream:
    root = folder / name
    for path, content in (moons_lab() | changed).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return TarStream(scan(root).files)


def longer() -> bytes:
    """The notebook, trained twice as long."""
    book = json.loads(moons_lab()["main.ipynb"])
    train = next(cell for cell in book["cells"] if cell["id"] == "train")
    train["source"] = train["source"].replace("400", "800")
    train["outputs"][0]["text"] = "epoch 700  loss 0.0107\n"
    return json.dumps(book).encode()


@pytest.fixture(scope="module")
def lab(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ada's lab in two revisions, and Ben's fork of it with a change."""
    folder = tmp_path_factory.mktemp("offers")
    address = f"{site.addresses.labs_local}/services/labs"
    with Hub(address, site.token(ADA)) as ada, Hub(address, site.token(BEN)) as ben:
        ada.labs.publish(
            LabDraft("Two moons", name="two-moons", visibility="public"), files(folder, "first")
        )
        fork = ben.labs.fork(f"{ADA}/two-moons")
        ben.labs.revise(
            fork.full_name,
            files(folder, "mine", **{"main.ipynb": longer()}),
            base=fork.revision,
            message="Twice as long",
        )
        ada.labs.revise(
            f"{ADA}/two-moons",
            files(folder, "second", **{"model.py": b"x = 2\n"}),
            base=1,
            message="Shorter",
        )
    return f"{site.labs_url}/{ADA}/two-moons"


@pytest.fixture
def ada(site: Site, chromium: Browser) -> Iterator[Page]:
    yield from signed_in(site, chromium, ADA)


@pytest.fixture
def ben(site: Site, chromium: Browser) -> Iterator[Page]:
    yield from signed_in(site, chromium, BEN)


def signed_in(site: Site, chromium: Browser, name: str) -> Iterator[Page]:
    page = ours.labs_page(chromium, site, name)
    yield page
    page.context.close()


def check(page: Page) -> None:
    # Without motion nothing is caught halfway from one colour to another.
    page.emulate_media(reduced_motion="reduce")
    assert Axe().run(page).response["violations"] == []
    wide = page.viewport_size
    page.set_viewport_size(ours.NARROW)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    if wide:
        page.set_viewport_size(wide)


def test_two_revisions_are_picked_compared_and_the_first_is_restored(lab: str, ada: Page) -> None:
    ada.goto(f"{lab}/revisions")
    ada.get_by_label("Compare", exact=True).fill("r1")
    ada.get_by_label("with", exact=True).fill("r2")
    ada.get_by_role("button", name="Compare").click()
    expect(ada.get_by_text("1 file differs")).to_be_visible()
    expect(ada.locator(".ml-diff-row.is-added")).to_contain_text(["x = 2"])
    check(ada)
    ada.get_by_label("Compare", exact=True).select_option("r2")
    ada.get_by_role("button", name="Compare").click()
    expect(ada.get_by_text("Nothing differs")).to_be_visible()

    ada.goto(f"{lab}/revisions")
    check(ada)
    newest = ada.locator(".ml-timeline li").first
    number = int(newest.locator(".ml-revision").inner_text().removeprefix("r"))
    ada.get_by_role("button", name="Restore r1").click()
    expect(ada.get_by_text(f"r1 is restored: r{number + 1} has its files.")).to_be_visible()
    expect(newest).to_contain_text("Restore r1")
    ada.goto(f"{lab}/files/model.py")
    expect(ada.locator("code")).to_contain_text("def train")


def test_a_change_is_proposed_talked_about_merged_and_seen(
    lab: str, ada: Page, ben: Page, site: Site
) -> None:
    fork = f"{site.labs_url}/{BEN}/two-moons"
    ben.goto(fork)
    ben.get_by_role("link", name="Propose changes").click()
    expect(ben.get_by_role("heading", name="What it changes since r1")).to_be_visible()
    check(ben)
    ben.get_by_label("Title").fill("Train twice as long")
    ben.get_by_role("textbox", name="Text").fill("The loss **halves**.")
    ben.get_by_role("button", name="Propose").click()
    expect(ben.get_by_role("heading", name="#1 Train twice as long")).to_be_visible()
    expect(ben.get_by_role("button", name="Merge")).to_have_count(0)
    check(ben)
    mine = ben.url

    ada.goto(lab)
    ada.get_by_role("link", name="Proposals 1").click()
    ada.get_by_role("link", name="Train twice as long").click()
    assert ada.url == mine
    cell = ada.get_by_role("region", name="Code cell 5")
    expect(cell.get_by_text("epoch 700")).to_be_visible()
    cell.get_by_text("Comment on this cell").click()
    cell.get_by_label("On code cell 5").fill("Why *800*?")
    cell.get_by_role("button", name="Comment").click()
    expect(cell.locator(".ml-comment")).to_contain_text("Why 800?")
    ada.get_by_role("link", name="Code only").click()
    expect(ada.get_by_text("epoch 700")).to_have_count(0)
    expect(cell.locator(".ml-comment")).to_contain_text("Why 800?")

    ben.reload()
    ben.get_by_label("Say something").fill("It does not get better after that.")
    ben.get_by_role("button", name="Comment").last.click()
    expect(ben.locator(".ml-talk")).to_contain_text("It does not get better")

    ada.goto(mine)
    check(ada)
    ada.get_by_role("button", name="Merge as r").click()
    expect(ada.get_by_text(f"Merged by {ADA}")).to_be_visible()
    merged = ada.get_by_role("article").first.get_by_role("link", name="r").last
    merged.click()
    expect(ada.locator("#cell-train")).to_contain_text("800")
    ada.goto(f"{lab}/revisions")
    newest = ada.locator(".ml-timeline li").first
    expect(newest).to_contain_text("Train twice as long (#1)")
    expect(newest.get_by_role("link", name=BEN)).to_be_visible()


def test_comparing_and_proposing_can_be_read_without_scripts(
    lab: str, chromium: Browser, ben: Page, site: Site
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{lab}/compare?from=r1&to=r2&code=1")
    expect(page.get_by_text("1 file differs")).to_be_visible()
    page.get_by_role("link", name="Show outputs and metadata").click()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("1 file differs")).to_be_visible()
    page.get_by_role("link", name="Proposals").click()
    expect(page.get_by_role("navigation", name="State of the proposals")).to_be_visible()
    context.close()
