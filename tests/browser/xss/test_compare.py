"""Other people's content where it is compared, offered and talked about: nothing of it acts."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page
from tests.browser.xss.corpus import OUTPUTS, SNIPPETS, Hostile, corpus
from tests.browser.xss.watch import Watch, check_content
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.proposals import ProposalService
from machinelabs_hub.labs.services.revisions import RevisionService

pytestmark = pytest.mark.browser

HARMLESS = {
    "main.ipynb": notebook(
        [cell("markdown", "harmless", "a"), cell("code", "1 + 1", "b"), cell("raw", "x", "c")]
    ),
    "README.md": b"# Harmless\n",
}
CORPUS = {hostile.name: hostile for hostile in corpus()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("xss")) as running:
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    # Without our policy, so that cleaning stands alone.
    context = chromium.new_context(bypass_csp=True)
    yield context.new_page()
    context.close()


def revised(server: LabsServer, hostile: Hostile) -> Lab | None:
    """Publish something harmless, then the hostile files on top; None: they were refused."""
    lab = server.publish("mallory", HARMLESS, title=hostile.name, name=hostile.name)
    service = RevisionService(tools=server.tools, viewer=Person("mallory", ""))
    try:
        server.revise(lab, hostile.files, "Worse")
    except BadInput:
        return None
    service.restore("mallory", lab.name, 1)
    return lab


def read(page: Page, address: str) -> None:
    answer = page.goto(address, wait_until="load")
    assert answer is not None
    assert answer.status == 200, address
    # What is folded is shown as well.
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => (one.open = true))")
    check_content(page)
    assert page.url == address


def test_nothing_of_a_hostile_revision_acts_where_it_is_compared(
    server: LabsServer, page: Page
) -> None:
    watch = Watch.on(page)
    seen = 0
    for hostile in CORPUS.values():
        lab = revised(server, hostile)
        if lab is None:
            continue
        seen += 1
        home = f"{server.url}/{lab.owner}/{quote(lab.name)}"
        # As what was added, and as what was removed again.
        for pair in ("from=r1&to=r2", "from=r2&to=r3"):
            read(page, f"{home}/compare?{pair}")
        assert watch.sprung == [], hostile.name
    page.wait_for_timeout(50)
    assert watch.sprung == []
    watch.check_requests(server.url)
    assert seen >= len(CORPUS) - 6


def test_nothing_of_a_hostile_proposal_acts(server: LabsServer, page: Page) -> None:
    lab = server.publish("ada", HARMLESS, title="Target", name="target")
    fork = server.fork("mallory", lab)
    cells = [cell("code", "x", f"c{n}", [{"output_type": "display_data", "data": data,
                                          "metadata": {}}]) for n, data in enumerate(OUTPUTS.values())]  # fmt: skip
    cells += [cell("markdown", html, f"m{n}") for n, html in enumerate(SNIPPETS.values())]
    server.revise(fork, HARMLESS | {"main.ipynb": notebook(cells)}, "Worse")
    mallory = ProposalService(tools=server.tools, viewer=Person("mallory", ""))
    lab = server.tools.labs.find("ada", "target") or lab
    watch = Watch.on(page)
    home = f"{server.url}/ada/target/proposals"
    for number, html in enumerate(SNIPPETS.values(), 1):
        text = html.replace("\x00", "").replace("\x01", "")[:9_000]
        mallory.propose(lab, fork.path, title=" ".join(text.split())[:190] or "x", text=text)
        mallory.comment(lab, number, text)
        mallory.comment(lab, number, text, path="main.ipynb", cell="c0")
        if number % 10 == 1:
            read(page, f"{home}/{number}")
        mallory.withdraw(lab, number)
        assert watch.sprung == [], text
    for number in range(1, len(SNIPPETS) + 1):
        read(page, f"{home}/{number}?code=1")
    read(page, f"{home}?state=all")
    page.wait_for_timeout(50)
    assert watch.sprung == []
    watch.check_requests(server.url)
