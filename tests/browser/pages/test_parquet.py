"""The first rows of a Parquet file on its page: read in the browser, within bounds, or a sentence."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, expect
from tests.support import browser as ours
from tests.support.datasets import stored
from tests.support.labs_service import LabsServer, labs_server
from tests.support.parquet_file import parquet_of
from tests.support.run_desk import CODE, TOKEN, ordered

from machinelabs_hub.labs.models.person import Person

pytestmark = pytest.mark.browser

ADA = Person("ada", "Ada")
FILES = Path(__file__).resolve().parents[2] / "support" / "parquet"
PACKED = ("none", "snappy", "gzip", "zstd", "lz4")
MIB_OF_ROWS = 131_072
HEAD = ["#", "id", "weight", "label", "day", "at", "is_odd", "price", "tags", "size", "raw"]
FORTIETH = [
    "41", "40", "10", "<b>1</b>", "2024-04-09", "2024-03-02T04:30:00.000Z", "false", "10",
    '["a"]', '{"w":40,"h":80}', "2 bytes",
]  # fmt: skip


def written(name: str) -> bytes:
    return (FILES / f"{name}.parquet").read_bytes()


def broken() -> Mapping[str, bytes]:
    """Return files that cannot be read, by the sentence that says so."""
    whole = written("snappy")
    holed = whole[:4] + b"\xff" * 3000 + whole[3004:]
    return {
        "This is no whole Parquet file": whole[:-5],
        "is no whole Parquet": whole[:-8] + b"\xff\xff\xff\x7fPAR1",
        "This Parquet file is broken": holed,
        "Parquet file is broken": whole[:-400] + b"\x19" * 392 + whole[-8:],
        "packed with BROTLI, which is not read here": written("brotli"),
        "lie among too much data": parquet_of({"a": 1}, rows=10, codec=1, claims=2**30),
        "no whole Parquet file": b"",
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs")) as running:
        running.seen_as(ADA)
        files = {f"{name}.parquet": written(name) for name in PACKED}
        files |= {f"broken/{at}.parquet": one for at, one in enumerate(broken().values())}
        files["large.parquet"] = parquet_of({"a": 20, "b": 20}, rows=20 * MIB_OF_ROWS)
        # One page of its first column has more than 64 MiB.
        files["partly.parquet"] = parquet_of({"a": 1, "b": 66}, rows=66 * MIB_OF_ROWS)
        files["wide.pq"] = parquet_of({f"c{at}": 1 for at in range(70)}, rows=1)
        files["no-rows.parquet"] = parquet_of({"a": 1}, rows=0)
        stored(running.tools, ADA, "tables", files)
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with ours.new_person(chromium) as context:
        # The dataset is private: what the page's script reads, it reads as the person.
        context.set_extra_http_headers({"X-As": "ada"})
        yield context.new_page()


def at(server: LabsServer, path: str) -> str:
    return f"{server.url}/datasets/ada/tables/@v1/files/{path}"


def shows_the_rows(page: Page) -> None:
    expect(page.get_by_text("120 rows, 10 columns. The first 50 are shown.")).to_be_visible()
    table = page.get_by_role("region", name="Table")
    expect(table.locator("th")).to_have_text(HEAD)
    expect(table.locator("tbody tr")).to_have_count(50)
    expect(table.locator("tbody tr").nth(40).locator("td")).to_have_text(FORTIETH)
    expect(table.locator("tbody tr").nth(0).locator("td").nth(2)).to_have_text("null")


@pytest.mark.parametrize("name", PACKED)
def test_a_file_of_a_dataset_shows_its_first_rows(
    page: Page, server: LabsServer, name: str
) -> None:
    page.goto(at(server, f"{name}.parquet"))
    shows_the_rows(page)
    assert not Axe().run(page).response["violations"]


def test_a_file_of_a_lab_and_an_output_of_a_run_do_so_too(page: Page, server: LabsServer) -> None:
    files = {"main.py": b"print(1)\n", "rows.parquet": written("zstd")}
    desk = ordered(server, files)
    with httpx.Client(base_url=desk.url, timeout=30) as http:
        http.post("/exchange", json={"code": CODE, "token": TOKEN}).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        put = http.put("/outputs/made/rows.parquet", content=written("snappy"))
        put.raise_for_status()
    page.goto(f"{server.url}/{desk.lab.path}/runs/{desk.run.number}/outputs/made/rows.parquet")
    shows_the_rows(page)
    page.goto(f"{server.url}/{desk.lab.path}/files/rows.parquet")
    shows_the_rows(page)


def test_of_a_large_file_only_the_beginnings_of_columns_are_read(
    page: Page, server: LabsServer
) -> None:
    asked: list[int] = []

    def note(request: Request) -> None:
        if part := re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", "")):
            asked.append(int(part[2]) - int(part[1]) + 1)

    page.context.on("request", note)
    page.goto(at(server, "large.parquet"))
    expect(page.get_by_text("2,621,440 rows, 2 columns. The first 50 are shown.")).to_be_visible()
    row = page.get_by_role("region", name="Table").locator("tbody tr").nth(49)
    expect(row.locator("td")).to_have_text(["50", "49", "49"])
    assert 0 < sum(asked) < 6 << 20

    page.goto(at(server, "wide.pq"))
    expect(page.get_by_text("1 row, 70 columns. 10 columns are left out.")).to_be_visible()
    page.goto(at(server, "partly.parquet"))
    expect(
        page.get_by_text("1 column is left out, as too much data lies around them")
    ).to_be_visible()
    expect(page.get_by_role("columnheader")).to_have_text(["#", "b"])
    expect(row.locator("td")).to_have_text(["50", "49"])
    page.goto(at(server, "no-rows.parquet"))
    expect(page.get_by_text("0 rows, 1 column.")).to_be_visible()


@pytest.mark.parametrize("number", range(len(broken())))
def test_a_file_that_cannot_be_read_gets_a_sentence(
    page: Page, server: LabsServer, number: int
) -> None:
    page.goto(at(server, f"broken/{number}.parquet"))
    expect(page.get_by_role("status")).to_contain_text(list(broken())[number])
    expect(page.get_by_role("status")).to_contain_text("Download it to look into it.")
    expect(page.get_by_role("region", name="Table")).to_be_hidden()


def test_without_scripts_the_page_offers_the_file(chromium: Browser, server: LabsServer) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        context.set_extra_http_headers({"X-As": "ada"})
        page = context.new_page()
        page.goto(at(server, "none.parquet"))
        expect(page.get_by_text("scripts are off in this browser")).to_be_visible()
        expect(page.get_by_role("link", name="Download")).to_be_visible()
