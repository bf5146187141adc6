"""A lab is shared with a group, opened, renamed, given away, deleted and restored, in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import new_person, screenshot
from tests.support.content import moons_lab
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.person import Person

pytestmark = pytest.mark.browser

ADA = Person("ada", "Ada", groups=("vision",))
BOB = Person("bob", "Bob", groups=("vision",))
EVE = Person("eve", "Eve")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs")) as running:
        running.seen_as(ADA, BOB, EVE)
        for person in (ADA, BOB, EVE):
            running.tools.people.seen(person, running.tools.clock())
        yield running


def seen_by(chromium: Browser, name: str, *, scripts: bool = True) -> Page:
    context = new_person(chromium) if scripts else chromium.new_context(java_script_enabled=False)
    context.set_extra_http_headers({"X-As": name})
    return context.new_page()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_private_lab_goes_to_a_group_gets_a_name_and_comes_back_from_the_trash(
    chromium: Browser, server: LabsServer, *, scripts: bool
) -> None:
    title = f"Moons {'one' if scripts else 'two'}"
    lab = server.publish("ada", moons_lab(title), title=title, visibility=Visibility.PRIVATE)
    ada, bob = (seen_by(chromium, name, scripts=scripts) for name in ("ada", "bob"))
    address = f"{server.url}/{lab.path}"
    missing = bob.goto(address)
    assert missing
    assert missing.status == 404

    ada.goto(f"{address}/settings")
    form = ada.get_by_role("form", name="Share with somebody")
    form.get_by_label("Share with").select_option("group")
    form.get_by_label("Name").fill("vision")
    form.get_by_label("Role").select_option("editor")
    form.get_by_role("button", name="Share").click()
    expect(ada.get_by_label("Role of vision")).to_have_value("editor")

    bob.goto(f"{server.url}/bob")
    bob.get_by_role("region", name="Shared with you").get_by_role("link", name=title).click()
    expect(bob.get_by_role("link", name="Settings")).to_be_visible()

    form = ada.get_by_role("form", name="Rename")
    form.get_by_label("Name").fill(f"renamed-{title[6:]}")
    form.get_by_role("button", name="Rename").click()
    expect(ada.get_by_text(f"Also reached at {lab.path}")).to_be_visible()
    bob.goto(f"{address}/files")
    assert bob.url == f"{server.url}/ada/renamed-{title[6:]}/files"

    ada.get_by_label("New owner").fill("@vision")
    ada.get_by_label("to give it away").fill(f"renamed-{title[6:]}")
    ada.get_by_role("button", name="Give away").click()
    expect(ada.get_by_role("link", name="@vision", exact=True)).to_be_visible()

    bob.goto(address)
    bob.get_by_role("link", name="Settings").click()
    bob.get_by_label("to delete it").fill(f"renamed-{title[6:]}")
    bob.get_by_role("button", name="Delete").click()
    row = ada.get_by_role("row").filter(has_text=title)
    ada.goto(f"{server.url}/trash")
    row.get_by_role("button", name="Restore").click()
    expect(ada.get_by_role("heading", name=title, level=1).first).to_be_visible()
    bob.goto(address)
    assert bob.url == f"{server.url}/@vision/renamed-{title[6:]}"
    for page in (ada, bob):
        page.context.close()


def test_opening_a_private_lab_keeps_its_drafts_to_its_members(
    chromium: Browser, server: LabsServer
) -> None:
    lab = server.publish("ada", moons_lab(), title="Drafts", visibility=Visibility.PRIVATE)
    server.revise(lab, moons_lab() | {"model.py": b"x = 2\n"}, "Tidy")
    ada, eve = (seen_by(chromium, name) for name in ("ada", "eve"))
    ada.goto(f"{server.url}/{lab.path}/settings")
    expect(ada.get_by_text("When you open it, others read from r2 on")).to_be_visible()
    ada.get_by_label("Signed-in").check()
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_text("Others read from r2 on")).to_be_visible()
    eve.goto(f"{server.url}/{lab.path}/revisions")
    expect(eve.get_by_role("link", name="r2", exact=True)).to_be_visible()
    expect(eve.get_by_role("link", name="r1", exact=True)).to_have_count(0)
    answer = eve.goto(f"{server.url}/{lab.path}/@r1")
    assert answer
    assert answer.status == 404
    for page in (ada, eve):
        page.context.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_settings_and_groups_have_no_known_barrier_and_never_scroll_sideways(
    chromium: Browser, server: LabsServer, tmp_path: Path, *, dark: bool
) -> None:
    name = f"shown-{'dark' if dark else 'light'}"
    lab = server.publish("ada", moons_lab(), title=name, visibility=Visibility.PRIVATE)
    with seen_by(chromium, "ada").context as context:
        page = context.new_page()
        for kind, member in (("person", "bob"), ("group", "vision")):
            page.goto(f"{server.url}/{lab.path}/settings")
            form = page.get_by_role("form", name="Share with somebody")
            form.get_by_label("Share with").select_option(kind)
            form.get_by_label("Name").fill(member)
            form.get_by_role("button", name="Share").click()
    for narrow in (False, True):
        context = new_person(chromium, dark=dark, narrow=narrow)
        context.set_extra_http_headers({"X-As": "bob"})
        page = context.new_page()
        for path in ("/bob", "/shared", "/@vision", f"/{lab.path}/settings"):
            if path.endswith("settings"):
                context.set_extra_http_headers({"X-As": "ada"})
            page.goto(f"{server.url}{path}")
            found = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:160]) for one in found] == []
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, path
            file = f"{path.strip('/').replace('/', '-')}-{'narrow' if narrow else 'wide'}"
            screenshot(page, tmp_path, file)
        context.close()
