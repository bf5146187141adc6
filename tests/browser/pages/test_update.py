"""Two people change a lab and its fork; the fork catches up, sees a conflict, and goes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import new_person, screenshot
from tests.support.content import cell, notebook, prints
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.person import Person

pytestmark = pytest.mark.browser

INTRO = cell("markdown", "# Two moons\n\nA tiny network.", "intro")
LOAD = cell("code", "frame = load()\nframe.head()", "load", [prints("200 rows\n")], 1)
TRAIN = cell("code", "rate = 0.1\nsteps = 400\ntrain(frame, rate, steps)", "train")
PLOT = cell("code", "plot(frame)", "plot")
MODEL = b"hidden = 16\nlayers = 2\nseed = 0\n"
XSS = "<img src=x onerror=\"document.title='broken'\">"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs")) as running:
        running.seen_as(Person("ada", "Ada"), Person("bob", "Bob"))
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = new_person(chromium)
    context.set_extra_http_headers({"X-As": "bob"})
    yield context.new_page()
    context.close()


def forked(server: LabsServer, title: str) -> str:
    """Publish a lab, fork it, change both; return the fork's address."""
    files = {"main.ipynb": notebook([INTRO, LOAD, TRAIN, PLOT]), "model.py": MODEL}
    original = server.publish("ada", files, title=title)
    fork = server.fork("bob", original)
    theirs = [INTRO | {"source": f"# Two moons\n\nA small network. {XSS}"}, LOAD,
              TRAIN | {"source": "rate = 0.05\nsteps = 400\ntrain(frame, rate, steps)"}]  # fmt: skip
    theirs.append(cell("code", "score(frame)", "score", [prints("0.97\n")], 5))
    more = {"model.py": MODEL.replace(b"seed = 0", b"seed = 7"), "tips.md": b"# Tips\n"}
    server.revise(original, {"main.ipynb": notebook(theirs)} | more, "Score it")
    mine = [INTRO, LOAD, TRAIN | {"source": "rate = 0.2\nsteps = 400\ntrain(frame, rate, steps)"},
            PLOT]  # fmt: skip
    changed = {"model.py": MODEL.replace(b"hidden = 16", b"hidden = 64")}
    server.revise(fork, {"main.ipynb": notebook(mine)} | changed, "Faster")
    return f"{server.url}/{fork.path}"


def test_a_fork_catches_up_sees_a_conflict_and_goes_back(page: Page, server: LabsServer) -> None:
    address = forked(server, "Moons to update")
    page.goto(address)
    page.get_by_role("link", name="r2 of the original is newer · Update").click()
    expect(page.get_by_role("heading", name="Update to r2 of ada/moons-to-update")).to_be_visible()
    expect(page.get_by_text("3 files change; 1 place is yours to decide.")).to_be_visible()
    clash = page.locator(".ml-clash")
    expect(clash.locator("pre").first).to_contain_text("rate = 0.2")
    expect(clash.locator("pre").last).to_contain_text("rate = 0.05")
    expect(page.locator("main")).to_contain_text(XSS)
    assert page.title() != "broken"
    assert server.tools.labs.find("bob", "moons-to-update").revision == 2  # type: ignore[union-attr]

    page.get_by_role("button", name="Update").click()
    expect(page.get_by_role("heading", name="Updated to r2 of ada/moons-to-update")).to_be_visible()
    page.get_by_role("link", name="Look at the lab").click()
    expect(page.get_by_text("Changed by both.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("rate = 0.2")
    expect(page.locator("main")).to_contain_text("rate = 0.05")
    expect(page.locator("main")).to_contain_text("0.97")
    expect(page.locator(".ml-lineage .ml-pill")).to_have_count(0)
    expect(page.locator(".ml-lineage")).to_contain_text("r1 (updated to r2)")
    page.goto(f"{address}/files/model.py")
    expect(page.locator("code")).to_have_text("hidden = 64\nlayers = 2\nseed = 7\n")

    page.goto(f"{address}/update")
    page.get_by_role("button", name="Undo the update").click()
    expect(page.get_by_text("Undone. r4 has just the files")).to_be_visible()
    expect(page.get_by_role("heading", name="Update to r2 of ada/moons-to-update")).to_be_visible()
    page.goto(f"{address}/files/model.py")
    expect(page.locator("code")).to_have_text("hidden = 64\nlayers = 2\nseed = 0\n")


def test_what_changed_since_the_look_is_looked_at_again(page: Page, server: LabsServer) -> None:
    address = forked(server, "Moons that go on")
    page.goto(f"{address}/update")
    fork = server.tools.labs.find("bob", "moons-that-go-on")
    assert fork
    server.revise(fork, {"main.ipynb": notebook([INTRO])}, "Published in another window")
    page.get_by_role("button", name="Update").click()
    expect(page.get_by_role("alert")).to_contain_text("Look at the update again")


def test_it_works_without_scripts_and_only_for_those_who_may(
    chromium: Browser, server: LabsServer
) -> None:
    address = forked(server, "Moons without scripts")
    context = chromium.new_context(java_script_enabled=False)
    context.set_extra_http_headers({"X-As": "bob"})
    page = context.new_page()
    page.goto(f"{address}/update")
    page.get_by_role("button", name="Update").click()
    expect(page.get_by_role("heading", name="Updated to r2")).to_be_visible()
    context.set_extra_http_headers({"X-As": "ada"})
    answer = page.goto(f"{address}/update")
    assert answer
    assert answer.status == 403
    context.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_has_no_known_barrier_and_never_scrolls_sideways(
    chromium: Browser, server: LabsServer, tmp_path: Path, *, dark: bool
) -> None:
    address = forked(server, f"Moons {'dark' if dark else 'light'}")
    for narrow in (False, True):
        context = new_person(chromium, dark=dark, narrow=narrow)
        context.set_extra_http_headers({"X-As": "bob"})
        page = context.new_page()
        # Without motion nothing is caught halfway from one colour to another.
        page.emulate_media(reduced_motion="reduce")
        for name in ("look", "updated"):
            page.goto(f"{address}/update")
            found = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:160]) for one in found] == []
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0
            screenshot(page, tmp_path, f"{name}-{'narrow' if narrow else 'wide'}")
            page.get_by_role("button", name="Update" if name == "look" else "Undo").first.click()
        context.close()
