"""What people write into the forms of runs stays, whatever the page does meanwhile."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, TOKEN, ordered

from machinelabs_hub.labs.models.person import Person

pytestmark = pytest.mark.browser

ADA = Person("ada", "Ada")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("run-forms")) as made:
        made.seen_as(ADA)
        yield made


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(timezone_id="Asia/Tokyo")
    context.set_extra_http_headers({"X-As": ADA.name})
    yield context.new_page()
    context.close()


def test_a_note_is_written_while_the_run_puts_something_out(server: LabsServer, page: Page) -> None:
    desk = ordered(server, {"main.py": b"print(1)\n"})
    page.goto(f"{server.url}/{desk.lab.path}/runs/{desk.run.number}")
    page.get_by_text("Name and note").click()
    note = page.get_by_role("textbox", name="Note")
    note.fill("It learns")
    with httpx.Client(base_url=desk.url, timeout=30) as http:
        shown = {"code": CODE, "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        http.put("/outputs/model.bin", content=b"1").raise_for_status()
    expect(page.get_by_role("link", name="model.bin", exact=True)).to_be_visible()
    expect(note).to_be_focused()
    page.keyboard.insert_text(" slowly.")
    expect(note).to_have_value("It learns slowly.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".ml-run-words")).to_have_text("It learns slowly.")


@pytest.mark.parametrize("written", ["", "Europe/"], ids=["proposed", "written-before"])
def test_a_time_zone_that_is_proposed_late_is_typed_over_and_replaces_nothing(
    server: LabsServer, page: Page, written: str
) -> None:
    lab = server.publish("ada", {"main.py": b"print(1)\n"})
    zone = page.get_by_label("Time zone")
    with ours.held(page, "**/site.js*"):
        page.goto(f"{server.url}/{lab.path}/runs/new", wait_until="commit")
        page.get_by_text("Run it again and again").click()
        zone.select_text()
        if written:
            page.keyboard.insert_text(written)
    page.wait_for_load_state()
    expect(zone).to_have_value(written or "Asia/Tokyo")
    page.keyboard.insert_text("Europe/Berlin".removeprefix(written))
    expect(zone).to_have_value("Europe/Berlin")
