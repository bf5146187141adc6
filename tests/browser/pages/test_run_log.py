"""A run's log in a browser: very many lines, reading while it goes on, links to lines."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.support import browser as ours
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, TOKEN, ordered

pytestmark = pytest.mark.browser

MOST_ROWS = 1_700
LAST = "#run-rows > .ml-run-line:last-child > span"


@dataclass(slots=True)
class Program:
    """What runs, and where it is watched."""

    url: str
    http: httpx.Client
    next: int = 1
    lines: int = 0

    def print(self, count: int, **more: int) -> None:
        """Print so many lines, in one piece."""
        text = "".join(f"line {self.lines + n + 1}\n" for n in range(count))
        self.tell(kind="stdout", text=text, **more)
        self.lines += count

    def tell(self, **event: object) -> None:
        """Tell one event."""
        told = {"n": self.next, "at": "2026-01-01T00:00:00+00:00"} | event
        answer = self.http.post("/events", json={"first": self.next, "events": [told]})
        self.next = answer.raise_for_status().json()["next"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("run-log")) as made:
        yield made


@pytest.fixture
def program(server: LabsServer) -> Iterator[Program]:
    desk = ordered(server, {"main.ipynb": notebook([cell("code", "1", "a")])})
    with httpx.Client(base_url=desk.url, timeout=30) as http:
        shown = {"code": CODE, "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        yield Program(f"{server.url}/{desk.lab.path}/runs/{desk.run.number}", http)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    made = ours.new_person(chromium).new_page()
    yield made
    made.context.close()


def test_a_hundred_thousand_lines_do_not_stall_the_page(program: Program, page: Page) -> None:
    program.print(3)
    page.goto(program.url)
    for _ in range(100):
        program.print(1_000)
    expect(page.locator(LAST)).to_have_text("line 100003")
    assert page.locator("#run-rows > *").count() < MOST_ROWS
    expect(page.locator("#L1 > span")).to_have_text("line 1")
    left_out = page.locator("#run-gap strong").inner_text()
    shown = page.locator("#run-rows > .ml-run-line").count()
    assert int(left_out.replace(",", "")) + shown == 100_003
    late = page.context.new_page()
    late.goto(program.url)
    expect(late.locator(LAST)).to_have_text("line 100003")
    late.goto(f"{program.url}#L50000")
    late.wait_for_url("**line=50000#L50000")
    expect(late.locator("#L50000:target > span")).to_have_text("line 50000")
    expect(late.locator("#L50000")).to_be_in_viewport()


def test_a_link_to_a_cell_in_the_middle_leads_there(program: Program, page: Page) -> None:
    for cell_ in range(4):
        program.tell(kind="cell", cell=cell_, state="running", title=f"step {cell_}")
        program.print(1_000, cell=cell_)
    page.goto(program.url)
    expect(page.locator(LAST)).to_have_text("line 4000")
    page.goto(f"{program.url}#cell-2")
    page.wait_for_url("**cell=2#cell-2")
    expect(page.locator("#cell-2")).to_be_in_viewport()
    expect(page.locator("#cell-2")).to_contain_text("step 1")


def test_who_reads_stays_where_they_are_until_they_ask_for_the_newest(
    program: Program, page: Page
) -> None:
    program.print(400)
    page.goto(program.url)
    newest = page.get_by_role("button", name="Newest lines")
    expect(page.locator("#L400")).to_be_in_viewport()
    expect(newest).to_be_hidden()
    page.locator("#run-log").evaluate("(log) => (log.scrollTop = 0)")
    expect(newest).to_be_visible()
    program.print(100)
    expect(page.locator(LAST)).to_have_text("line 500")
    expect(page.locator("#L1")).to_be_in_viewport()
    newest.click()
    expect(page.locator("#L500")).to_be_in_viewport()
    expect(newest).to_be_hidden()
    program.print(1)
    expect(page.locator("#L501")).to_be_in_viewport()


def test_a_connection_that_breaks_is_made_again_and_nothing_is_lost_or_doubled(
    program: Program, page: Page
) -> None:
    program.print(2)
    page.goto(program.url)
    page.context.set_offline(True)
    page.evaluate("() => new Promise((done) => setTimeout(done, 300))")
    program.print(3)
    page.context.set_offline(False)
    program.print(1)
    expect(page.locator(LAST)).to_have_text("line 6")
    texts = page.locator("#run-rows > .ml-run-line > span").all_inner_texts()
    assert texts == [f"line {number}" for number in range(1, 7)]


def test_a_connection_that_nobody_is_behind_any_more_is_made_anew(
    program: Program, page: Page
) -> None:
    asked: list[str] = []

    def hold_the_first(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()

    page.route("**/live?*", hold_the_first)
    page.clock.install()
    program.print(1)
    page.goto(program.url)
    program.print(1)
    page.clock.fast_forward(20_000)
    expect(page.locator("#run-trouble")).to_be_hidden()
    assert len(asked) == 1
    page.clock.fast_forward(10_000)
    expect(page.locator(LAST)).to_have_text("line 2")
    expect(page.locator("#run-trouble")).to_be_hidden()
    assert len(asked) == 2
