"""Sweeps on the real service: taken whole or refused whole, shown with what they measured."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, TOKEN, RunDesk

from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import run_upkeep
from machinelabs_hub.labs.services.runner import digest
from machinelabs_hub.run_settings import Runs

ADA, BEN = Person("ada", "Ada"), Person("ben", "Ben")
VALUES = "rate = 0.1\nkind: Literal['sgd', 'adam'] = 'sgd'\nseed = 1"
TAGGED = cell("code", VALUES, "p") | {"metadata": {"tags": ["parameters"]}}
FILES = {"main.ipynb": notebook([TAGGED]), "train.py": b"print(1)\n"}
GRID = {"rate": ["0.1", 0.2, "0.4"], "kind": ["sgd", "adam"]}
AT = "2026-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    runs = Runs(queued=20, sweep_runs=8)
    with labs_server(tmp_path_factory.mktemp("sweeps"), runs=runs) as made:
        made.seen_as(ADA, BEN)
        yield made


@pytest.fixture
def ada(server: LabsServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"X-As": "ada"}, timeout=30) as http:
        yield http
        for run in server.tools.runs.unsettled():
            http.post(f"/api/v1/labs/{run.lab}/runs/{run.number}/stop").raise_for_status()


def measure(server: LabsServer, lab: Lab, number: int, loss: float) -> None:
    """Be the container of a run: it measures and ends."""
    run = server.tools.runs.find(lab, number)
    assert run is not None
    assert server.tools.runs.set_code(run, digest(CODE))
    with httpx.Client(base_url=RunDesk(server, lab, run).url, timeout=30) as http:
        shown = {"code": CODE, "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        event = {"n": 1, "at": AT, "kind": "metric", "name": "loss", "points": [[1, loss, 1.0]]}
        http.post("/events", json={"first": 1, "events": [event]}).raise_for_status()
        http.post("/end", json={"state": "finished"}).raise_for_status()


def order(http: httpx.Client, lab: Lab, **body: Any) -> httpx.Response:
    return http.post(f"/api/v1/labs/{lab.path}/sweeps", json=body)


def test_a_sweep_orders_a_run_for_each_combination(server: LabsServer, ada: httpx.Client) -> None:
    lab = server.publish("ada", FILES, title="Grid")
    answer = order(ada, lab, grid=GRID, parameters={"seed": 7}, name="Rates")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["number"], made["name"], made["states"]) == (1, "Rates", {"queued": 6})
    assert made["grid"] == {"rate": [0.1, 0.2, 0.4], "kind": ["sgd", "adam"]}
    assert [run["parameters"] for run in made["runs"]] == [
        {"rate": rate, "kind": kind, "seed": 7}
        for rate in (0.1, 0.2, 0.4)
        for kind in ("sgd", "adam")
    ]
    assert [run["number"] for run in made["runs"]] == [1, 2, 3, 4, 5, 6]
    again = ada.get(f"/api/v1/labs/{lab.path}/sweeps/1").json()
    assert again == made
    listed = ada.get(f"/api/v1/labs/{lab.path}/sweeps").json()
    assert [one["number"] for one in listed["items"]] == [1]


@pytest.mark.parametrize(
    ("grid", "code", "said"),
    [
        ({"rate": [0.1, "fast"]}, "bad_parameter", "`rate` must be a number"),
        ({"rate": [0.1], "kind": ["lion"]}, "bad_parameter", "`kind` must be one of"),
        ({"depth": [1, 2]}, "bad_parameter", "no parameter `depth`"),
        ({"rate": [0.1, "0.1"]}, "bad_sweep", "`rate` has the value 0.1 twice"),
        ({"rate": list(range(9))}, "bad_sweep", "These are 9 runs; a sweep makes at most 8"),
        ({}, "bad_sweep", "several values"),
    ],
)
def test_an_order_that_cannot_be_had_whole_orders_nothing(
    server: LabsServer, ada: httpx.Client, grid: dict[str, Any], code: str, said: str
) -> None:
    lab = server.publish("ada", FILES, title=f"Bad {code} {len(grid)} {said[:3]}")
    answer = order(ada, lab, grid=grid)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert said in answer.json()["message"]
    assert server.tools.runs.find(lab, 1) is None
    assert server.tools.sweeps.find(lab, 1) is None


def test_a_sweep_that_finds_no_room_among_the_waiting_is_refused_whole(
    server: LabsServer, ada: httpx.Client
) -> None:
    lab = server.publish("ada", FILES, title="Room")
    grid = {"seed": list(range(8))}
    assert order(ada, lab, grid=grid).status_code == 201
    assert order(ada, lab, grid=grid).status_code == 201
    refused = order(ada, lab, grid=grid)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_queued")
    assert "16 runs of yours wait already" in refused.json()["message"]
    assert server.tools.runs.count(lab, first=1) == 16


def test_the_form_orders_a_sweep_and_its_page_shows_what_it_measured(
    server: LabsServer, ada: httpx.Client
) -> None:
    lab = server.publish("ada", FILES, title="Form")
    assert 'name="grid"' in ada.get(f"/{lab.path}/runs/new").text
    form = {"_csrf": "-", "path": "main.ipynb", "p.rate": "0.1", "p.kind": "adam", "p.seed": "1",
            "grid": "rate = 0.1, 0.2\nseed = 1, 2"}  # fmt: skip
    wrong = ada.post(f"/{lab.path}/runs", data=form | {"grid": "rate = 0.1, fast"})
    assert wrong.status_code == 422
    assert "rate = 0.1, fast</textarea>" in wrong.text
    made = ada.post(f"/{lab.path}/runs", data=form)
    assert made.headers["location"] == f"/services/labs/{lab.path}/sweeps/1"
    here = f"/{lab.path}/sweeps/1"
    html = ada.get(here).text
    assert "4 queued" in html
    assert 'hx-trigger="every 5s"' in html
    assert "<polyline" not in html
    for number, loss in ((1, 0.5), (2, 0.4), (3, 0.3), (4, 0.1)):
        measure(server, lab, number, loss)
    html = ada.get(here).text
    assert "4 finished" in html
    assert "hx-trigger" not in html
    assert html.count("<circle") == 4
    assert html.count("<polyline") == 2
    assert "lowest 0.1 in run #4" in html
    assert "<td>0.4</td>" in html
    assert (
        f'href="/services/labs/{lab.path}/runs/compare?run=1&amp;run=2&amp;run=3&amp;run=4"' in html
    )
    assert "over seed" in ada.get(f"{here}?over=seed").text
    assert f'href="/services/labs/{lab.path}/sweeps/1"' in ada.get(f"/{lab.path}/runs/3").text
    assert "Sweep 1" in ada.get(f"/{lab.path}/sweeps").text
    told = ada.get(f"/api/v1/labs/{lab.path}/sweeps/1").json()
    assert told["is_final"]
    assert [run["metrics"] for run in told["runs"]] == [{"loss": x} for x in (0.5, 0.4, 0.3, 0.1)]


def test_stopping_a_sweep_stops_what_is_not_over_and_is_for_who_may(
    server: LabsServer, ada: httpx.Client
) -> None:
    lab = server.publish("ada", FILES, title="Stop")
    assert order(ada, lab, grid={"seed": [1, 2, 3]}).status_code == 201
    measure(server, lab, 1, 0.5)
    here = f"/{lab.path}/sweeps/1"
    ben = {"X-As": "ben"}
    assert "Stop all" not in ada.get(here, headers=ben).text
    assert ada.post(f"/api/v1/labs{here}/stop", headers=ben).status_code == 403
    assert "Stop all" in ada.get(here).text
    assert ada.post(f"{here}/stop", data={"_csrf": "-"}).status_code == 303
    told = ada.get(f"/api/v1/labs{here}").json()
    assert told["states"] == {"finished": 1, "stopped": 2}
    assert ada.post(f"/api/v1/labs{here}/stop").status_code == 200
    assert ada.post(f"/api/v1/labs{here}/stop", headers=ben).status_code == 403
    assert httpx.post(f"{ada.base_url}api/v1/labs{here}/stop").status_code == 401


def test_others_see_sweeps_as_they_see_the_lab(server: LabsServer, ada: httpx.Client) -> None:
    lab = server.publish("ada", FILES, title="Closed", visibility=Visibility.PRIVATE)
    assert order(ada, lab, grid={"seed": [1, 2]}).status_code == 201
    for headers in ({"X-As": "ben"}, {"X-As": ""}):
        for path in (
            f"/{lab.path}/sweeps",
            f"/{lab.path}/sweeps/1",
            f"/api/v1/labs/{lab.path}/sweeps/1",
        ):
            assert httpx.get(f"{ada.base_url}{path[1:]}", headers=headers).status_code == 404
        body = {"grid": {"seed": [1]}}
        url = f"{ada.base_url}api/v1/labs/{lab.path}/sweeps"
        assert httpx.post(url, json=body, headers=headers).status_code in {401, 404}
    assert ada.get(f"/{lab.path}/sweeps/2").status_code == 404


def test_an_order_that_is_sent_twice_is_one_sweep(server: LabsServer, ada: httpx.Client) -> None:
    lab = server.publish("ada", FILES, title="Twice")
    for _ in range(2):
        answer = ada.post(
            f"/api/v1/labs/{lab.path}/sweeps",
            json={"grid": {"seed": [1, 2]}},
            headers={"Idempotency-Key": "sweep-twice", "Authorization": "Bearer ada"},
        )
        assert answer.json()["number"] == 1
    assert server.tools.sweeps.find(lab, 2) is None
    assert server.tools.runs.count(lab, first=1) == 2


def test_a_sweep_whose_runs_were_purged_goes_with_them(
    server: LabsServer, ada: httpx.Client
) -> None:
    lab = server.publish("ada", FILES, title="Purge")
    assert order(ada, lab, grid={"seed": [1, 2]}).status_code == 201
    for number in (1, 2):
        one = f"/api/v1/labs/{lab.path}/runs/{number}"
        ada.post(f"{one}/stop").raise_for_status()
        ada.delete(one).raise_for_status()
    assert "Its runs were deleted" in ada.get(f"/{lab.path}/sweeps/1").text
    run_upkeep.tend(server.tools)
    assert server.tools.sweeps.find(lab, 1) is not None
    for number in (1, 2):
        run = server.tools.runs.find(lab, number)
        assert run is not None
        server.tools.runs.hide(run, run.created_at.replace(year=2020))
    run_upkeep.tend(server.tools)
    assert server.tools.sweeps.find(lab, 1) is None
