"""Executed notebooks as the next revisions of their labs, on the real service."""

import json
from collections.abc import Iterator

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_container import Runner
from tests.support.run_desk import CODE, TOKEN, ordered

from machinelabs_hub.labs.models.person import Person

FILES = {"main.ipynb": notebook([cell("code", "print(6 * 7)", "a")]), "data/x.csv": b"x\n1\n"}
PRINTED = {"output_type": "stream", "name": "stdout", "text": "42\n"}
EXECUTED = notebook(
    [{**cell("code", "print(6 * 7)", "a"), "execution_count": 1, "outputs": [PRINTED]}]
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("run-publish")) as made:
        made.seen_as(Person("ada", "Ada"), Person("ben", "Ben"))
        yield made


@pytest.fixture
def ada(server: LabsServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"X-As": "ada"}, timeout=30) as http:
        yield http


@pytest.fixture
def runner(server: LabsServer) -> Iterator[Runner]:
    """A run of a notebook that has printed, and sent what it executed."""
    desk = ordered(server, FILES)
    with httpx.Client(base_url=desk.url, timeout=30) as http:
        shown = {"code": CODE, "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        http.put("/notebook", content=EXECUTED).raise_for_status()
        yield Runner(desk, http)


def api(runner: Runner) -> str:
    return f"api/v1/labs/{runner.desk.lab.path}"


def test_a_finished_run_becomes_the_next_revision_by_a_button(
    ada: httpx.Client, runner: Runner
) -> None:
    page = f"{runner.desk.lab.path}/runs/1"
    assert "run-publish" not in ada.get(page).text
    runner.end()
    assert "Publish as r2" in ada.get(page).text
    answer = ada.post(f"{page}/publish", data={"_csrf": "-"})
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/services/labs/{runner.desk.lab.path}",
    )
    made = ada.get(f"{api(runner)}/revisions").json()["items"][0]
    assert (made["number"], made["author"], made["message"]) == (2, "ada", "Run #1 of r1")
    book = ada.get(f"{api(runner)}/revisions/2/files/main.ipynb").json()
    assert book["cells"][0]["outputs"] == [PRINTED]
    assert ada.get(f"{api(runner)}/revisions/2/files/data/x.csv").content == b"x\n1\n"
    assert "run-publish" not in ada.get(page).text


def test_the_api_takes_a_message_and_says_when_the_lab_went_on(
    server: LabsServer, ada: httpx.Client, runner: Runner
) -> None:
    runner.end()
    where = f"{api(runner)}/runs/1/publish"
    server.revise(runner.desk.lab, FILES | {"more.txt": b"more"})
    late = ada.post(where, json={"message": "Too late"})
    assert (late.status_code, late.json()["code"]) == (409, "stale_revision")
    assert "executed r1, and r2 was published since" in late.json()["message"]
    assert "executed r1, and r2" in ada.post(
        f"{runner.desk.lab.path}/runs/1/publish", data={"_csrf": "-"}
    ).text  # fmt: skip
    assert len(ada.get(f"{api(runner)}/revisions").json()["items"]) == 2


def test_who_may_not_edit_the_lab_and_what_did_not_finish_publish_nothing(
    ada: httpx.Client, runner: Runner
) -> None:
    where = f"{api(runner)}/runs/1/publish"
    early = ada.post(where)
    assert (early.status_code, early.json()["code"]) == (409, "nothing_to_publish")
    runner.end()
    foreign = ada.post(where, headers={"X-As": "ben"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "not_allowed")
    ben = {"X-As": "ben"}
    assert "run-publish" not in ada.get(f"{runner.desk.lab.path}/runs/1", headers=ben).text
    assert ada.post(where, json={"message": "What it printed"}).status_code == 201
    newest = ada.get(f"{api(runner)}/revisions").json()["items"][0]
    assert newest["message"] == "What it printed"
    assert ada.get(f"{api(runner)}/revisions/2/files/main.ipynb").json() == json.loads(EXECUTED)
