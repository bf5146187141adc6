"""Runs side by side on the real service: what differs stands first, and nobody sees more so."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.content import cell, moons, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, TOKEN, RunDesk

from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import RunDraft
from machinelabs_hub.labs.services.runner import digest
from machinelabs_hub.labs.services.runs import RunService

ADA, BEN = Person("ada", "Ada"), Person("ben", "Ben")
BOOK = notebook([cell("code", "fit()", "fit")])
FILES = {"main.ipynb": BOOK, "train.py": b"print(1)\n"}
AT = "2026-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("run-compare")) as made:
        made.seen_as(ADA, BEN)
        yield made


@pytest.fixture
def visitor(server: LabsServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as http:
        yield http


def ran(server: LabsServer, lab: Lab, files: dict[str, bytes], loss: float, **draft: Any) -> None:
    """Order a run, and be its container: it measures, puts files out and ends."""
    run = RunService(tools=server.tools, viewer=ADA).order(lab, RunDraft(**draft))
    assert server.tools.runs.set_code(run, digest(CODE))
    with httpx.Client(base_url=RunDesk(server, lab, run).url, timeout=30) as http:
        shown = {"code": CODE, "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        event = {"n": 1, "at": AT, "kind": "metric", "name": "loss", "points": [[1, loss, 1.0]]}
        http.post("/events", json={"first": 1, "events": [event]}).raise_for_status()
        for path, content in files.items():
            http.put(f"/outputs/{path}", content=content).raise_for_status()
        if run.path.endswith(".ipynb"):
            http.put("/notebook", content=BOOK).raise_for_status()
        http.post("/end", json={"state": "finished"}).raise_for_status()


def within(address: str) -> str:
    """Return an address as the client takes it, which begins at the labs."""
    return address.removeprefix("/services/labs")


def rows(html: str) -> list[str]:
    return html.split("<tr")[1:]


def row(html: str, name: str) -> tuple[int, str]:
    """Where the row of this name stands, and its HTML."""
    found = [(at, text) for at, text in enumerate(rows(html)) if name in text.split("</th>")[0]]
    assert found, name
    return found[0]


def test_what_differs_between_runs_stands_first_and_pictures_side_by_side(
    server: LabsServer, visitor: httpx.Client
) -> None:
    lab = server.publish("ada", FILES, title="Compare")
    said = {"path": "train.py", "name": "small"}
    ran(server, lab, {"plot.png": moons(), "loss.csv": b"a\n1\nsame\n", "w.bin": b"\0"}, 0.5,
        parameters={"seed": "1", "rate": "0.1"}, **said)  # fmt: skip
    ran(server, lab, {"plot.png": moons()[:-1], "loss.csv": b"a\n2\nsame\n", "w.bin": b"\0"}, 0.25,
        parameters={"seed": "1", "rate": "0.2", "deep": "yes"}, **said)  # fmt: skip
    address = f"/{lab.path}/runs/compare?run=1&run=2"
    html = visitor.get(address).raise_for_status().text
    rate, seed = row(html, ">rate<"), row(html, ">seed<")
    assert rate[0] < seed[0]
    assert "is-different" in rate[1]
    assert "is-different" not in seed[1]
    assert "<td>0.1</td><td>0.2</td>" in rate[1].replace("\n", "").replace("  ", "")
    assert "–" in row(html, ">deep<")[1]
    assert "0.5" in row(html, ">loss<")[1]
    assert "0.25" in row(html, ">loss<")[1]
    assert "the same" in row(html, "w.bin")[1]
    for number in (1, 2):
        assert f'runs/{number}/outputs/plot.png" alt="plot.png of run #{number}"' in html
    link = row(html, "loss.csv")[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    shown = visitor.get(within(link)).raise_for_status()
    assert "is-removed" in shown.text
    assert "is-added" in shown.text
    assert visitor.get(f"{address}&file=gone.txt").status_code == 404


def test_executed_notebooks_are_compared_cell_by_cell(
    server: LabsServer, visitor: httpx.Client
) -> None:
    lab = server.publish("ada", FILES, title="Books")
    ran(server, lab, {}, 1.0)
    ran(server, lab, {}, 1.0)
    html = visitor.get(f"/{lab.path}/runs/compare?run=1&run=2&file=").raise_for_status().text
    assert "It is the same." in html
    assert f"/{lab.path}/runs/2/notebook" in html


@pytest.mark.parametrize("runs", [(), (1,), (1, 1), tuple(range(1, 10))])
def test_too_few_and_too_many_runs_lead_back_to_the_list(
    server: LabsServer, visitor: httpx.Client, runs: tuple[int, ...]
) -> None:
    lab = server.publish("ada", FILES, title=f"Few {len(runs)}")
    answer = visitor.get(f"/{lab.path}/runs/compare", params={"run": runs})
    assert answer.status_code == 303
    assert "Choose 2 to 8 runs" in visitor.get(within(answer.headers["location"])).text


def test_runs_that_one_may_not_see_are_not_compared(
    server: LabsServer, visitor: httpx.Client
) -> None:
    lab = server.publish("ada", FILES, title="Closed", visibility=Visibility.PRIVATE)
    ran(server, lab, {}, 1.0)
    ran(server, lab, {}, 1.0)
    address = f"/{lab.path}/runs/compare?run=1&run=2"
    assert visitor.get(address).status_code == 404
    assert visitor.get(address, headers={"X-As": "ben"}).status_code == 404
    assert visitor.get(address, headers={"X-As": "ada"}).status_code == 200
    assert visitor.get(f"{address}&run=9", headers={"X-As": "ada"}).status_code == 404


def test_the_list_lets_one_choose_runs(server: LabsServer, visitor: httpx.Client) -> None:
    lab = server.publish("ada", FILES, title="List")
    ran(server, lab, {}, 1.0)
    assert 'name="run"' not in visitor.get(f"/{lab.path}/runs").text
    ran(server, lab, {}, 1.0)
    html = visitor.get(f"/{lab.path}/runs").text
    assert f'<form action="/services/labs/{lab.path}/runs/compare">' in html
    assert 'name="run" value="2" aria-label="Compare run #2"' in html
