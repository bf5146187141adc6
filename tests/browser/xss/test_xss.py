"""Other people's content in a real browser: no script of theirs runs, no request leaves."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.browser.xss.corpus import SNIPPETS, Hostile, corpus
from tests.browser.xss.watch import POKE, Watch, check_content
from tests.support.browser import chromium
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.models.lab import Lab

pytestmark = pytest.mark.browser

CORPUS = {hostile.name: hostile for hostile in corpus()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("xss")) as running:
        yield running


@pytest.fixture(scope="module")
def published(server: LabsServer) -> dict[str, Lab]:
    """Every hostile lab that publishing did not refuse."""
    labs = {}
    for name, hostile in CORPUS.items():
        try:
            labs[name] = server.publish("mallory", hostile.files, **_details(hostile))
        except BadInput:
            # Refused with a sentence is as good as shown safely; few may be.
            continue
    assert len(labs) >= len(CORPUS) - 6
    return labs


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as started:
        yield started


@pytest.fixture(scope="module", params=["without our policy", "with our policy"])
def bypasses(request: pytest.FixtureRequest) -> bool:
    """Whether the browser ignores our CSP, so that cleaning stands alone."""
    return bool(request.param == "without our policy")


@pytest.fixture(scope="module")
def visitor(browser: Browser, server: LabsServer, *, bypasses: bool) -> Iterator[BrowserContext]:
    """A reader with a cookie, which must not travel."""
    context = browser.new_context(bypass_csp=bypasses)
    parts = urlsplit(server.url)
    context.add_cookies(
        [{"name": "labs-session", "value": "canary", "domain": f".{host}", "path": "/"}
         for host in (parts.hostname, "evil.test")]
    )  # fmt: skip
    yield context
    context.close()


@pytest.fixture
def watched(visitor: BrowserContext) -> Iterator[tuple[Page, Watch]]:
    page = visitor.new_page()
    yield page, Watch.on(page)
    page.close()


def test_the_corpus_is_large() -> None:
    assert len(SNIPPETS) >= 60
    assert len(CORPUS) >= 120


def test_the_trap_springs_when_something_does_run(browser: Browser) -> None:
    context = browser.new_context()
    page, sprung = context.new_page(), []
    page.expose_binding("trap", lambda _source, what: sprung.append(what))
    page.set_content("<img src=x onerror=\"trap('img')\"><script>trap('script')</script>")
    page.wait_for_function("() => true")
    page.wait_for_timeout(200)
    context.close()
    assert sorted(sprung) == ["img", "script"]


@pytest.mark.parametrize("name", CORPUS)
def test_nothing_of_a_hostile_lab_runs_or_leaves(
    name: str,
    published: dict[str, Lab],
    server: LabsServer,
    bypasses: bool,  # noqa: FBT001
    watched: tuple[Page, Watch],
) -> None:
    page, watch = watched
    if name not in published:
        return
    if not bypasses and list(CORPUS).index(name) % 5:
        # The policy only adds to what cleaning does alone: a fifth of the corpus shows it works.
        return
    lab = published[name]
    home = f"{server.url}/{lab.owner}/{lab.name}"
    addresses = [home] if name not in SNIPPETS else [home, f"{home}/files"]
    addresses += [
        f"{home}/files/{quote(path)}"
        for path in CORPUS[name].files
        if path not in {"main.ipynb", "README.md", "x.js"}
    ]
    for address in addresses:
        answer = page.goto(address, wait_until="load")
        assert answer is not None
        assert answer.status == 200, address
        check_content(page)
        assert page.url == address
    page.wait_for_timeout(30)
    assert watch.sprung == []
    watch.check_requests(server.url)


def test_nothing_of_any_hostile_lab_runs_where_all_are_listed(
    published: dict[str, Lab], server: LabsServer, watched: tuple[Page, Watch]
) -> None:
    page, watch = watched
    page.goto(server.url + "/")
    while page.get_by_role("link", name="More").count():
        before = page.locator(".ml-lab-card").count()
        page.get_by_role("link", name="More").click()
        page.wait_for_function(f"() => document.querySelectorAll('.ml-lab-card').length > {before}")
    assert page.locator(".ml-lab-card").count() == len(published)
    page.evaluate(POKE)
    page.goto(f"{server.url}/mallory")
    page.goto(f"{server.url}/?q={quote(chr(34) + '><img src=x onerror=trap(1)>')}&tag=<script>")
    page.goto(f"{server.url}/<script>trap(1)<%2Fscript>")
    page.wait_for_timeout(100)
    assert watch.sprung == []
    watch.check_requests(server.url)


@pytest.mark.parametrize("name", ["svg-file", "html-file", "xhtml-file", "xml-file", "js-file",
                                  "png-that-is-html", "txt-file"])  # fmt: skip
def test_bytes_of_a_file_are_given_for_keeping_not_for_running(
    name: str, published: dict[str, Lab], server: LabsServer, watched: tuple[Page, Watch]
) -> None:
    page, watch = watched
    lab = published[name]
    path = next(path for path in CORPUS[name].files if path != "main.ipynb")
    raw = f"{server.url}/api/v1/labs/{lab.owner}/{lab.name}/revisions/1/files/{quote(path)}"
    answer = httpx.get(raw)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    page.goto(server.url + "/")
    # Even a page of ours could not take such a file as its script, its style or its frame.
    page.evaluate(
        """(raw) => {
          const script = document.createElement("script");
          script.src = raw;
          const frame = document.createElement("iframe");
          frame.src = raw;
          document.body.append(script, frame);
        }""",
        raw,
    )
    page.wait_for_timeout(150)
    assert watch.sprung == []


def _details(hostile: Hostile) -> dict[str, Any]:
    return {"title": hostile.name, "name": hostile.name} | hostile.details
