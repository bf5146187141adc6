"""The admins' page of the site's cards: on a real labs service, over a sampler of simulated cards."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.card_rows import BROKEN, CARD, FAULT, SLICE, WAITS_FOR, put_cards, remove_cards
from tests.support.fake_nvml import FakeCard, FakeNvml, build
from tests.support.labs_service import LabsServer, labs_server
from tests.support.sampler import RunningSampler, running_sampler

from machinelabs_hub.db.tables.orders import DrainRow, ReservationRow, ReturnRow
from machinelabs_hub.labs.models.person import Person

pytestmark = pytest.mark.browser

ROOT = Person("gpus-root", "Root", admin=True, groups=("ml101",))
WIDER = "Math.max(0, document.documentElement.scrollWidth - window.innerWidth)"


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("gpus-page") / "data") as labs:
        labs.seen_as(ROOT)
        yield labs


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def sampler(labs: LabsServer, library: Path, tmp_path: Path) -> Iterator[RunningSampler]:
    """A sampler that the labs service finds, with a busy card and one that is lost."""
    machine = FakeNvml(library=library, state=tmp_path / "nvml.state")
    machine.cards = [
        FakeCard(CARD, total_mib=81559, used_mib=20480, sm=42, temperature=61, power=300),
        FakeCard(BROKEN, total_mib=81559),
    ]
    machine.tell()
    site = {"site": {"port": labs.settings.site.port}, "data": str(labs.settings.data)}
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(site), encoding="utf-8")
    with running_sampler(tmp_path, machine.environment) as running:
        running.next_sample()
        yield running


@pytest.fixture
def page(labs: LabsServer, chromium: Browser) -> Iterator[Page]:
    put_cards(labs.tools.sessions, datetime.now(UTC).replace(microsecond=0))
    context = ours.new_person(chromium)
    context.set_extra_http_headers({"X-As": ROOT.name})
    yield context.new_page()
    context.close()


def visit(page: Page, labs: LabsServer) -> None:
    answer = page.goto(f"{labs.url}/-/gpus")
    assert answer is not None
    assert answer.status == 200, answer.text()


def barriers(page: Page, pictures: Path, name: str) -> dict[str, Any]:
    """Return what axe finds and how far it is too wide, in each look."""
    found: dict[str, Any] = {}
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        for size, view in (("narrow", ours.NARROW), ("wide", ours.WIDE)):
            page.set_viewport_size(view)
            ours.screenshot(page, pictures / "gpus", f"{name}-{size}-{scheme}", whole=True)
            wrong = Axe().run(page).response["violations"]
            if wrong or page.evaluate(WIDER):
                found[f"{size}-{scheme}"] = (
                    page.evaluate(WIDER),
                    [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in wrong],
                )
    return found


@pytest.mark.usefixtures("sampler")
def test_an_admin_sees_what_each_card_does_who_holds_it_and_who_waits(
    labs: LabsServer, page: Page, pictures: Path
) -> None:
    visit(page, labs)
    held, broken = (page.get_by_role("row").filter(has_text=uuid) for uuid in (CARD, BROKEN))
    for words in ("holder-1", "1/4", "42 %", "20 of 79.6 GiB", "61 °C, 300 W", "In use"):
        expect(held).to_contain_text(words)
    expect(held).not_to_contain_text("holder-2")
    expect(held.get_by_role("img", name="Use in the last hour: 42 %")).to_be_visible()
    expect(broken).to_contain_text(FAULT)
    expect(page.locator("#line tbody tr")).to_contain_text(["first", "second", "late"])
    expect(page.locator("#line tbody tr").first).to_contain_text(WAITS_FOR)
    assert barriers(page, pictures, "full") == {}


def test_without_the_sampler_the_page_says_so_and_shows_the_rest(
    labs: LabsServer, page: Page, pictures: Path
) -> None:
    visit(page, labs)
    expect(page.get_by_role("status")).to_contain_text("cannot be seen now")
    expect(page.get_by_role("row").filter(has_text=CARD)).to_contain_text("holder-1")
    assert barriers(page, pictures, "sampler-away") == {}


def test_a_site_without_cards_says_where_they_would_come_from(
    labs: LabsServer, page: Page, pictures: Path
) -> None:
    remove_cards(labs.tools.sessions)
    visit(page, labs)
    expect(page.get_by_role("heading", name="This site has no GPUs")).to_be_visible()
    expect(page.get_by_text("Nobody waits for a GPU.")).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(0)
    assert barriers(page, pictures, "empty") == {}


def test_an_admin_keeps_a_card_back_and_hands_it_out_again(
    labs: LabsServer, page: Page, pictures: Path
) -> None:
    visit(page, labs)
    row = page.get_by_role("row").filter(has_text=SLICE)
    row.get_by_text("Keep back").first.click()
    row.get_by_label("Why", exact=True).fill("A new fan on Friday")
    row.get_by_role("button", name=f"Keep {SLICE} back").click()
    expect(row).to_contain_text("Kept back")
    expect(row).to_contain_text(f"A new fan on Friday By {ROOT.name}")
    with labs.tools.sessions() as db:
        assert db.get(DrainRow, SLICE) is not None
    assert barriers(page, pictures, "kept-back") == {}
    row.get_by_role("button", name="Hand out").click()
    expect(row).to_contain_text("Free")
    with labs.tools.sessions() as db:
        assert db.get(DrainRow, SLICE) is None


def test_an_admin_returns_a_failed_card_and_reads_what_follows(
    labs: LabsServer, page: Page
) -> None:
    visit(page, labs)
    row = page.get_by_role("row").filter(has_text=BROKEN)
    row.get_by_role("button", name=f"Return {BROKEN}").click()
    expect(row).to_contain_text("An admin returned it")
    with labs.tools.sessions() as db:
        assert db.get(ReturnRow, BROKEN) is not None


def test_an_admin_reserves_by_the_clock_of_a_zone_and_cancels(
    labs: LabsServer, page: Page, pictures: Path
) -> None:
    visit(page, labs)
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    page.get_by_label("Group of the hub").fill("ml101")
    page.get_by_label("What for").fill("Machine learning 101")
    page.get_by_label("From").fill(f"{day}T09:00")
    page.get_by_label("To", exact=True).fill(f"{day}T11:30")
    page.get_by_label("Repeats", exact=True).select_option("weekly")
    page.get_by_label("Time zone").fill("Mars/Olympus")
    page.get_by_role("button", name="Reserve").click()
    expect(page.get_by_role("alert")).to_contain_text("no time zone")
    # What was typed is still there.
    expect(page.get_by_label("What for")).to_have_value("Machine learning 101")
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_role("button", name="Reserve").click()
    row = page.get_by_role("row").filter(has_text="Machine learning 101")
    expect(row).to_contain_text("weekly")
    expect(row).to_contain_text(f"{day:%-d %B}, 09:00 to 11:30Asia/Tokyo")
    with labs.tools.sessions() as db:
        (stored,) = db.query(ReservationRow)
        # Tokyo has one clock all year: nine there is midnight in UTC.
        assert stored.starts_at == datetime(day.year, day.month, day.day, tzinfo=UTC)
        assert stored.ends_at - stored.starts_at == timedelta(hours=2, minutes=30)
    assert barriers(page, pictures, "reserved") == {}
    row.get_by_role("button", name="Cancel the reservation").click()
    expect(page.get_by_text("Nothing is reserved.")).to_be_visible()
