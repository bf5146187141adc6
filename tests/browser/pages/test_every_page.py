"""Every page of the hub and the labs: no barrier, nothing cut off, light, readable without scripts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, Response, expect
from tests.browser.pages.tour import STOPS, Stop, Tour, Who, tour
from tests.support import browser as ours
from tests.support.site import Site

pytestmark = [pytest.mark.engine, pytest.mark.browser]

MOST_KB = 200
"""What a page may weigh, compressed, besides the notebook's own content."""

OURS = [stop for stop in STOPS if not stop.foreign]
MANUAL: dict[str, str] = {
    "lab": "lab",
    "explore": "explore",
    "compare": "compare",
    "update": "update-page",
    "proposal-to-me": "proposal",
    "members": "members",
}
"""The pages that the manual shows, and what their pictures in docs/images are called."""

WIDER = "Math.max(0, document.documentElement.scrollWidth - window.innerWidth)"


@pytest.fixture(scope="module")
def here(site: Site, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    with tour(site, chromium, tmp_path_factory.mktemp("tour")) as started:
        yield started


@pytest.fixture
def page(here: Tour, stop: Stop) -> Iterator[Page]:
    made = here.contexts[stop.who].new_page()
    yield made
    made.close()


def violations(page: Page) -> list[Any]:
    """Return what axe finds, short enough to read."""
    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:4]]) for one in found]


def visit(page: Page, here: Tour, stop: Stop) -> Response:
    answer = page.goto(here.address(stop))
    assert answer is not None
    assert answer.status == stop.status
    return answer


@pytest.mark.parametrize("stop", STOPS, ids=str)
def test_no_page_has_a_barrier_or_scrolls_sideways(
    here: Tour, page: Page, stop: Stop, pictures: Path, request: pytest.FixtureRequest
) -> None:
    visit(page, here, stop)
    found, looks = {}, pictures / "pages"
    # Three hundred pictures that nobody looks at take as long as all else here.
    is_kept = request.config.getoption("--pictures") is not None
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        # Without motion nothing is caught halfway from one colour to another.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        page.set_viewport_size(ours.NARROW)
        found[f"narrow-{scheme}"] = page.evaluate(WIDER)
        if is_kept:
            ours.screenshot(page, looks, f"{stop}-narrow-{scheme}", whole=True)
        page.set_viewport_size(ours.WIDE)
        if is_kept:
            ours.screenshot(page, looks, f"{stop}-wide-{scheme}", whole=True)
        found[scheme] = violations(page)
    assert found == {"narrow-light": 0, "light": [], "narrow-dark": 0, "dark": []}


@pytest.mark.parametrize("stop", OURS, ids=str)
def test_no_page_weighs_much(here: Tour, page: Page, stop: Stop) -> None:
    # A route keeps the browser from taking anything out of its cache.
    page.route("**/*", lambda route: route.continue_())
    done: list[Request] = []

    def note(request: Request) -> None:
        done.append(request)

    page.on("requestfinished", note)
    visit(page, here, stop)
    page.wait_for_load_state("networkidle")
    sizes = {
        request.url: request.sizes()["responseBodySize"]
        for request in done
        # What the lab holds is its own: pictures of cards, files.
        if "/api/v1/labs/" not in request.url and "/card" not in request.url
    }
    assert sum(sizes.values()) < MOST_KB * 1000, sizes


@pytest.mark.parametrize("stop", OURS, ids=str)
def test_every_page_is_read_without_scripts(here: Tour, chromium: Browser, stop: Stop) -> None:
    state = here.contexts[stop.who].storage_state()
    context = chromium.new_context(java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto(here.address(stop))
    heading = page.locator("main h1, main h2").first
    expect(heading).to_be_visible()
    expect(page.locator("main .ml-skeleton:visible")).to_have_count(0)
    assert len(page.locator("main").inner_text()) > len(heading.inner_text())
    if stop.who is not Who.VISITOR:
        expect(page.get_by_role("link", name="Sign in", exact=True)).to_have_count(0)
    context.close()


@pytest.mark.pictures
@pytest.mark.parametrize("stop", [stop for stop in STOPS if stop.name in MANUAL], ids=str)
def test_the_manual_shows_the_page_as_it_is(
    here: Tour, page: Page, stop: Stop, pictures: Path
) -> None:
    visit(page, here, stop)
    expect(page.locator("main h1").first).to_be_visible()
    name, part = MANUAL[stop.name], stop.address.partition("#")[2]
    assert ours.screenshot(page, pictures, name, part=part).stat().st_size > 10_000
    if name == "lab":
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        ours.screenshot(page, pictures, "lab-dark")
