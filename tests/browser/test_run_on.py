"""*Run on…* in JupyterLab: a lab's published revision is ordered, with values, and it says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.content import cell, notebook
from tests.support.jupyterlab import accept_button, opened, toast
from tests.support.labs_service import LabsServer, labs_server
from tests.support.notebook_server import NotebookServer, notebook_server

from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.services.runs import RunService

pytestmark = pytest.mark.browser

ADA = Person("ada", "Ada")
VALUES = "epochs = 3  # how long it learns\nkind: Literal['a', 'b'] = 'a'"
BOOK = notebook([
    cell("code", VALUES, "p") | {"metadata": {"tags": ["parameters"]}},
    cell("code", "fit(epochs)", "fit"),
])  # fmt: skip


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("run-on-labs")) as made:
        made.seen_as(ADA)
        yield made


@pytest.fixture(scope="module")
def server(labs: LabsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookServer]:
    address = f"http://127.0.0.1:{labs.settings.site.port}/services/labs"
    with notebook_server(
        tmp_path_factory.mktemp("run-on"),
        MACHINELABS_LABS_URL=address,
        MACHINELABS_PUBLIC_URL=labs.url,
        MACHINELABS_IMAGE="datascience",
        MACHINELABS_FLAVOUR="cpu-small",
        MACHINELABS_IDLE_MINUTES="60",
        MACHINELABS_IDLE_WARNING_MINUTES="5",
        JUPYTERHUB_API_TOKEN="ada",
        JUPYTERHUB_USER="ada",
    ) as made:
        yield made


def runs(labs: LabsServer) -> tuple[Run, ...]:
    lab = labs.tools.labs.find("ada", "digits")
    assert lab is not None
    return RunService(tools=labs.tools, viewer=ADA).list(lab).items


def field(page: Page, label: str, kind: str) -> str:
    return f".jp-MachineLabs-field:has(> span:text-is('{label}')) >> {kind}"


def test_the_open_notebook_is_published_and_run_with_other_values_and_then_as_it_was_published(
    labs: LabsServer, server: NotebookServer, chromium: Browser, pictures: Path
) -> None:
    server.write("digits/main.ipynb", BOOK)
    server.write("digits/train.py", "print(1)\n")
    page = opened(chromium, server, "digits/main.ipynb")
    run_on = page.locator('.jp-NotebookPanel-toolbar [data-command="machinelabs:run"]').first

    # It is of no lab yet: publishing comes first, and the dialog of the run follows by itself.
    run_on.click()
    expect(page.get_by_text("These files are of no lab yet")).to_be_visible()
    accept_button(page).click()
    page.get_by_text("The whole folder digits").click()
    page.locator(field(page, "Title", "input")).fill("Digits")
    accept_button(page).click()
    expect(page.get_by_text("Run r1 of ada/digits")).to_be_visible()
    expect(page.locator(field(page, "What", "select"))).to_have_value("main.ipynb")
    expect(page.get_by_role("button", name="Publish first…")).to_have_count(0)
    expect(page.locator(field(page, "epochs", "input"))).to_have_value("3")
    page.locator(field(page, "epochs", "input")).fill("many")
    ours.screenshot(page, pictures, "run-on")
    accept_button(page).click()

    # A refusal comes back into the dialog, with what was typed.
    expect(page.locator(".jp-MachineLabs-fault")).to_contain_text("epochs")
    page.locator(field(page, "epochs", "input")).fill("7")
    page.locator(field(page, "kind", "select")).select_option("b")
    accept_button(page).click()
    expect(toast(page, "ada/digits#1 is ordered")).to_be_visible()
    (run,) = runs(labs)
    assert (run.person, run.revision, run.path) == ("ada", 1, "main.ipynb")
    assert (run.parameters, run.image, run.flavour) == (
        {"epochs": 7, "kind": "b"}, "datascience", "cpu-small",
    )  # fmt: skip
    watch = toast(page, "ada/digits#1 is ordered").get_by_role("link", name="Watch it")
    with page.context.expect_page() as opened_page:
        watch.or_(page.get_by_role("button", name="Watch it")).first.click()
    expect(opened_page.value).to_have_url(f"{labs.url}/ada/digits/runs/1")

    # What is changed here and not published is not run, and the dialog says so.
    server.write("digits/train.py", "print(2)\n")
    run_on.click()
    expect(page.get_by_text("1 file here differs from r1")).to_be_visible()
    expect(page.get_by_role("button", name="Publish first…")).to_be_visible()
    page.locator(field(page, "What", "select")).select_option("train.py")
    expect(page.get_by_text("It takes no parameters.")).to_be_visible()
    accept_button(page).click()
    expect(toast(page, "ada/digits#2 is ordered")).to_be_visible()
    assert (runs(labs)[0].revision, runs(labs)[0].path) == (1, "train.py")
    page.context.close()
