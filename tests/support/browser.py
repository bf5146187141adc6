"""Chromium for the tests: one browser a session, one clean profile a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    Route,
    ViewportSize,
    expect,
)
from tests.support.site import Site

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # /dev/shm of a build container is often too small for a renderer.
    "--disable-dev-shm-usage",
]
WIDE: ViewportSize = {"width": 1280, "height": 860}
NARROW: ViewportSize = {"width": 390, "height": 844}

SECONDS = 1000
START_TIMEOUT = 120 * SECONDS


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Start Debian's Chromium without a window; it ends with the block."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)
    try:
        yield browser
    finally:
        browser.close()


def new_person(browser: Browser, *, dark: bool = False, narrow: bool = False) -> BrowserContext:
    """Return a profile with no cookies, as a person's own browser has."""
    context = browser.new_context(
        viewport=NARROW if narrow else WIDE, color_scheme="dark" if dark else "light"
    )
    context.set_default_timeout(30 * SECONDS)
    return context


def sign_in(page: Page, url: str, name: str, password: str) -> None:
    """Sign in at the Hub's own form and end on its home page."""
    page.goto(f"{url}/hub/login")
    page.get_by_label("Username").or_(page.get_by_label("User name")).first.fill(name)
    page.locator("input[type=password]").fill(password)
    page.locator("form button[type=submit], form input[type=submit]").first.click()
    page.wait_for_url("**/hub/**")


def labs_page(browser: Browser, site: Site, name: str) -> Page:
    """Return a page of a person who is signed in to the hub and to the labs."""
    page = new_person(browser).new_page()
    sign_in(page, site.url, name, site.make_user(name))
    page.goto(f"{site.labs_url}/login?next=/services/labs/")
    return page


def wait_for_lab(page: Page) -> None:
    """Wait until JupyterLab stands and its kernel, if a notebook is open, is idle."""
    page.wait_for_selector("#jp-main-dock-panel", timeout=START_TIMEOUT)


def wait_for_kernel(page: Page) -> None:
    """Wait for a connected kernel: a cell that is run before it is dropped in silence."""
    page.wait_for_selector(r"#jp-main-statusbar >> text=/\| Idle/", timeout=60 * SECONDS)


def run_all_cells(page: Page) -> None:
    """Run every cell of the notebook in front and wait until the kernel rests again."""
    wait_for_kernel(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    expect(
        page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-InputPrompt").first
    ).not_to_have_text("[*]:", timeout=60 * SECONDS)
    wait_for_kernel(page)


@contextmanager
def held(page: Page, address: str) -> Iterator[None]:
    """Keep what the page asks of `address` waiting until the end of the block."""
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(address, hold)
    yield
    # In this order: a route that is taken away lets go by itself of what it has.
    for route in waiting:
        route.continue_()
    page.unroute(address, hold)


def screenshot(page: Page, folder: Path, name: str, *, whole: bool = False, part: str = "") -> Path:
    """Save what `page` shows to `folder/name.png`, for people's eyes.

    `whole` is all of it, `part` only what has this id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    if part:
        page.locator(f"#{part}").screenshot(path=path)
    else:
        page.screenshot(path=path, full_page=whole)
    return path
