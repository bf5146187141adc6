"""People star labs and admins feature them, in a chromium, with and without scripts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from tests.support.browser import new_person
from tests.support.content import moons_lab
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person

pytestmark = pytest.mark.browser

ADA, BOB, ROOT = Person("ada", "Ada"), Person("bob", "Bob"), Person("root", "Root", admin=True)
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs")) as running:
        running.seen_as(ADA, BOB, ROOT)
        for person in (ADA, BOB, ROOT):
            running.tools.people.seen(person, running.tools.clock())
        yield running


@pytest.fixture
def lab(server: LabsServer, *, scripts: bool) -> Lab:
    title = f"Moons {'one' if scripts else 'two'}"
    return server.publish("ada", moons_lab(title), title=title)


def seen_by(chromium: Browser, name: str, *, scripts: bool) -> Page:
    context = new_person(chromium) if scripts else chromium.new_context(java_script_enabled=False)
    context.set_extra_http_headers({"X-As": name} if name else {})
    return context.new_page()


def posts(page: Page) -> list[str]:
    """Return what the page will have posted, as it comes."""
    seen: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            kind = request.headers.get("content-type", "")
            seen.append(f"{request.resource_type} {kind}")

    page.on("request", note)
    return seen


@SCRIPTS
def test_a_reader_stars_a_lab_sees_the_count_and_takes_the_star_back(
    chromium: Browser, server: LabsServer, lab: Lab, *, scripts: bool
) -> None:
    address = f"{server.url}/{lab.path}"
    bob, visitor = (seen_by(chromium, name, scripts=scripts) for name in ("bob", ""))
    sent = posts(bob)
    bob.goto(address)
    bob.get_by_role("button", name="Star 0", exact=True).click()
    starred = bob.get_by_role("button", name="Starred 1", exact=True)
    expect(starred).to_have_attribute("aria-pressed", "true")
    assert bob.url == address

    visitor.goto(address)
    expect(visitor.get_by_role("link", name="Stars 1", exact=True)).to_be_visible()
    visitor.goto(f"{server.url}/?sort=stars")
    expect(visitor.locator(".ml-lab-card").first).to_contain_text(lab.title)

    bob.reload()
    starred.click()
    expect(bob.get_by_role("button", name="Star 0", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )
    visitor.goto(address)
    expect(visitor.get_by_role("link", name="Stars 0", exact=True)).to_be_visible()
    assert sent == ["document application/x-www-form-urlencoded"] * 2
    for page in (bob, visitor):
        page.context.close()


@SCRIPTS
def test_an_admin_puts_a_lab_on_the_first_page_and_takes_it_from_there(
    chromium: Browser, server: LabsServer, lab: Lab, *, scripts: bool
) -> None:
    address = f"{server.url}/{lab.path}"
    people = [seen_by(chromium, name, scripts=scripts) for name in ("root", "bob", "ada", "")]
    root, *others = people
    for page in others:
        page.goto(address)
        expect(page.get_by_role("heading", name=lab.title).first).to_be_visible()
        expect(page.get_by_role("button", name="Feature")).to_have_count(0)

    sent = posts(root)
    root.goto(address)
    root.get_by_role("button", name="Feature", exact=True).click()
    taken = root.get_by_role("button", name="Take from the first page")
    expect(taken).to_be_visible()
    for page in people:
        page.goto(f"{server.url}/")
        first = page.get_by_role("region", name="Featured")
        expect(first.get_by_role("link", name=lab.title)).to_be_visible()

    root.goto(address)
    taken.click()
    expect(root.get_by_role("button", name="Feature", exact=True)).to_be_visible()
    for page in people:
        page.goto(f"{server.url}/")
        expect(page.get_by_role("heading", name="Labs").first).to_be_visible()
        expect(page.get_by_role("region", name="Featured")).to_have_count(0)
    assert sent == ["document application/x-www-form-urlencoded"] * 2
    for page in people:
        page.context.close()
