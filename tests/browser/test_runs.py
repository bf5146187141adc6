"""Run a lab with a parameter and watch it to its end, in browsers and at a terminal, on a real site."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect
from tests.support import browser as ours
from tests.support.content import cell, notebook
from tests.support.ml import Terminal, terminal
from tests.support.site import Site
from tests.support.waiting import wait_until

from machinelabs import Hub, LabDraft, TarStream
from machinelabs.folder import scan

pytestmark = [pytest.mark.engine, pytest.mark.browser]

ADA, BEN = "runs-ada", "runs-ben"
SLOW = 90 * ours.SECONDS

TRAIN = """import json, sys, time
from pathlib import Path
Path("outputs").mkdir(exist_ok=True)
for epoch in range(epochs):
    print(f"epoch {epoch} \\x1b[32mloss {rate / (epoch + 1):.3f}\\x1b[0m", flush=True)
    for step in range(5):
        print(f"\\rstep {step + 1}/5", end="", file=sys.stderr, flush=True)
        time.sleep(0.1)
Path("outputs/metrics.json").write_text(json.dumps({"epochs": epochs}))"""
SHOWN = "from IPython.display import HTML\nHTML('<b>bold</b><script>document.title = 1</script>')"
GOES_ON = """import time
from pathlib import Path
Path("outputs").mkdir(exist_ok=True)
for epoch in range(10_000):
    if epoch < 3:
        Path(f"outputs/weights-{epoch}.txt").write_text(f"epoch {epoch}")
    print(f"epoch {epoch} done", flush=True)
    time.sleep(0.5)"""
PROVES = notebook([
    cell("code", "print('it holds')", "c0", outputs=[
        {"output_type": "stream", "name": "stdout", "text": "it holds\n"}
    ]),
    cell("code", "6 * 7", "c1", outputs=[
        {"output_type": "execute_result", "execution_count": 2, "metadata": {},
         "data": {"text/plain": "42"}}
    ]),
])  # fmt: skip
BROKEN = "print('before it breaks')\n1 / 0"


def book(*sources: str) -> bytes:
    values = cell("code", "epochs = 2  # how often\nrate = 0.5", "values")
    values["metadata"] = {"tags": ["parameters"]}
    return notebook([values, *(cell("code", text, f"c{n}") for n, text in enumerate(sources))])


@pytest.fixture(scope="module")
def labs(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ada's public labs: one that runs, one that breaks, one that does not end."""
    address = f"{site.addresses.labs_local}/services/labs"
    site.make_user(BEN)
    with Hub(address, site.token(ADA)) as ada:
        for name, content in (
            ("trains", book(TRAIN, SHOWN)),
            ("breaks", book(BROKEN)),
            ("goes-on", book(GOES_ON)),
            ("proves", PROVES),
        ):
            root = tmp_path_factory.mktemp(name)
            (root / "main.ipynb").write_bytes(content)
            draft = LabDraft(name.capitalize(), name=name, visibility="public", image="base")
            ada.labs.publish(draft, TarStream(scan(root).files))
    return f"{site.labs_url}/{ADA}"


@pytest.fixture
def ada(site: Site, chromium: Browser) -> Iterator[Page]:
    page = ours.labs_page(chromium, site, ADA)
    yield page
    page.context.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Page]:
    page = ours.new_person(chromium).new_page()
    yield page
    page.context.close()


def barriers(page: Page) -> list[Any]:
    # Without motion nothing is caught halfway from one colour to another.
    page.emulate_media(reduced_motion="reduce")
    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:4]]) for one in found]


def test_a_lab_is_run_with_a_parameter_and_watched_to_its_end(
    labs: str, ada: Page, visitor: Page, pictures: Path
) -> None:
    ada.goto(f"{labs}/trains")
    ada.get_by_role("link", name="Run", exact=True).click()
    epochs = ada.get_by_label("epochs")
    expect(epochs).to_have_value("2")
    expect(ada.get_by_text("how often. A whole number")).to_be_visible()
    epochs.fill("6")
    ada.get_by_label("Name").fill("Six epochs")
    ada.get_by_role("button", name="Run").click()
    ada.wait_for_url("**/runs/1")
    visitor.goto(ada.url)
    state = ada.get_by_role("region", name="State of the run")
    expect(state.get_by_text("Running", exact=True)).to_be_visible(timeout=SLOW)
    for page in (ada, visitor):
        log = page.get_by_role("group", name="What the run prints")
        expect(log.get_by_text("epoch 1 loss 0.250")).to_be_visible(timeout=SLOW)
    expect(ada.locator("#run-log .ansi-fg-2").first).to_have_text("loss 0.500")
    ours.screenshot(ada, pictures, "run")
    for page in (ada, visitor):
        here = page.get_by_role("region", name="State of the run")
        expect(here.get_by_text("Finished", exact=True)).to_be_visible(timeout=SLOW)
        # Rows are shown together, a moment after they came.
        bars = page.locator("#run-log .ml-run-line.is-stderr > span")
        expect(bars).to_have_text(["step 5/5"])
        expect(page.locator("#run-log b")).to_have_text("bold")
        assert page.title() != "1"
        expect(page.get_by_role("link", name="Whole log")).to_be_visible()
    with ada.expect_download() as got:
        ada.get_by_role("link", name="Download metrics.json").click()
    assert json.loads(got.value.path().read_text()) == {"epochs": 6}
    assert barriers(ada) == []
    visitor.get_by_role("link", name="Executed notebook").click()
    expect(visitor.get_by_text("epoch 5 loss 0.083")).to_be_visible()
    assert "epochs = 6" in visitor.locator(".ml-document").inner_text()
    assert barriers(visitor) == []


def test_an_error_makes_a_run_fail_and_the_page_leads_to_the_cell(labs: str, ada: Page) -> None:
    ada.goto(f"{labs}/breaks/runs/new")
    ada.get_by_role("button", name="Run").click()
    state = ada.get_by_role("region", name="State of the run")
    expect(state.get_by_text("Failed", exact=True)).to_be_visible(timeout=SLOW)
    expect(state.get_by_text("Cell 2 raised ZeroDivisionError: division by zero")).to_be_visible()
    state.get_by_role("link", name="See it in the log").click()
    expect(ada.locator("#cell-2:target")).to_contain_text("failed")
    expect(ada.locator("#run-log .is-stdout > span")).to_have_text("before it breaks")
    expect(ada.locator("#run-log .is-error pre")).to_contain_text("1 / 0")
    ada.get_by_role("button", name="Delete").click()
    ada.get_by_role("button", name="Undo").click()
    expect(state.get_by_text("Failed", exact=True)).to_be_visible()


def lines(page: Page) -> list[str]:
    """What stands in the log's rows, their numbers left out."""
    return [row.split("\n")[-1] for row in page.locator("#run-log .is-stdout").all_inner_texts()]


def test_two_watch_the_same_lines_come_and_what_a_stopped_run_made_stays(
    labs: str, ada: Page, visitor: Page
) -> None:
    ada.goto(f"{labs}/goes-on/runs/new")
    ada.get_by_role("button", name="Run").click()
    ada.wait_for_url("**/goes-on/runs/*")
    log, state = "#run-log .is-stdout", "State of the run"
    expect(ada.locator(log).get_by_text("epoch 0 done")).to_be_visible(timeout=SLOW)
    # Who comes later sees what was said before, and both what comes, without asking for it.
    visitor.goto(ada.url)
    for page in (ada, visitor):
        page.evaluate("window.isTheSamePage = true")
    came = len(lines(visitor))
    for page in (visitor, ada):
        expect(page.locator(log).get_by_text(f"epoch {came + 4} done")).to_be_visible()
        assert lines(page)[: came + 5] == [f"epoch {epoch} done" for epoch in range(came + 5)]
    expect(visitor.get_by_role("button", name="Stop")).to_have_count(0)
    ada.get_by_role("button", name="Stop").click()
    for page in (ada, visitor):
        here = page.get_by_role("region", name=state)
        expect(here.get_by_text("Stopped", exact=True)).to_be_visible(timeout=SLOW)
        expect(page.get_by_role("link", name="Download weights-0.txt")).to_be_visible()
    assert visitor.evaluate("window.isTheSamePage")
    said = lines(visitor)
    ada.reload()
    assert lines(ada) == said == [f"epoch {epoch} done" for epoch in range(len(said))]
    with visitor.expect_download() as got:
        visitor.get_by_role("link", name="Download weights-2.txt").click()
    assert got.value.path().read_text() == "epoch 2"
    ada.get_by_role("link", name="Executed notebook").click()
    expect(ada.get_by_text("epoch 3 done")).to_be_visible()


def test_a_revision_is_verified_and_page_card_and_search_say_that_it_runs_clean(
    labs: str, site: Site, ada: Page, visitor: Page
) -> None:
    lab, explore = f"{labs}/proves", f"{site.labs_url}/?q=proves"
    visitor.goto(lab)
    expect(visitor.get_by_text("it holds").first).to_be_visible()
    expect(visitor.get_by_text("Runs clean")).to_have_count(0)
    ada.goto(f"{lab}/verify")
    ada.get_by_role("button", name="Verify r1").click()
    state = ada.get_by_role("region", name="State of the run")
    expect(state.get_by_text("Finished", exact=True)).to_be_visible(timeout=SLOW)
    verdict = ada.get_by_role("link", name=re.compile("see what came of it"))
    # The results are compared behind the end of the run.
    told_of(ada, urljoin(ada.url, verdict.get_attribute("href")))
    assert barriers(ada) == []
    for where in (lab, labs, explore):
        fact = told_of(visitor, where)
        expect(fact.locator("time")).to_be_visible()
    visitor.goto(lab)
    badge = visitor.get_by_role("link", name=re.compile("Runs clean"))
    expect(badge).to_contain_text("base")
    badge.click()
    expect(visitor.get_by_role("link", name="r1").first).to_be_visible()


def told_of(page: Page, where: str) -> Locator:
    """Return where a page says that a lab runs clean, once it does."""
    fact = page.locator(".ml-fact, .ml-pill", has_text="Runs clean").first

    def says() -> bool:
        page.goto(where)
        return fact.count() > 0

    wait_until(says, seconds=30, what=f"{where} says that it runs clean")
    return fact


def person(site: Site, folder: Path, name: str) -> Terminal:
    made = terminal(folder / name)
    made.done("login", site.url, "--token", given=f"{site.token(name)}\n")
    return made


def test_a_terminal_follows_a_run_of_anothers_lab_and_ends_as_it_does(
    labs: str, site: Site, tmp_path: Path
) -> None:
    assert labs
    ben = person(site, tmp_path, BEN)
    done = ben.ml("run", f"{ADA}/trains", "-p", "epochs=3", "--follow")
    assert done.code == 0, done.err
    assert "epoch 2 \x1b[32mloss 0.167\x1b[0m\n" in done.out
    number = int(re.findall(r"/runs/(\d+)", done.err)[0])
    name = f"{ADA}/trains#{number}"
    assert ben.done("outputs", name, "got")["laid"] == ["metrics.json", "main.ipynb"]
    assert json.loads((ben.folder / "got/metrics.json").read_text()) == {"epochs": 3}
    failed = ben.ml("run", f"{ADA}/breaks", "-f")
    assert failed.code == 12
    assert "ZeroDivisionError" in failed.err


def test_several_values_make_a_sweep_whose_runs_are_compared(labs: str, ada: Page) -> None:
    ada.goto(f"{labs}/trains/runs/new")
    ada.get_by_text("Several values…").click()
    ada.get_by_label("A run for each combination of").fill("epochs = 1, 2")
    ada.get_by_role("button", name="Run").click()
    ada.wait_for_url("**/sweeps/1")
    sweep = ada.get_by_role("group", name="Runs of the sweep")
    expect(sweep.get_by_role("row")).to_have_count(3)
    # The page says by itself how they go.
    expect(ada.get_by_role("status").get_by_text("2 finished")).to_be_visible(timeout=SLOW)
    expect(ada.get_by_role("button", name="Stop all")).to_have_count(0)
    assert barriers(ada) == []
    ada.get_by_role("link", name="Compare", exact=True).click()
    table = ada.get_by_role("group", name="Runs side by side")
    cells = table.get_by_role("row", name="epochs").get_by_role("cell")
    expect(cells).to_have_text(["1", "2"])
    table.get_by_role("link", name="what differs").click()
    expect(ada.locator("#changes .is-added")).to_contain_text('{"epochs": 2}')
    assert barriers(ada) == []
