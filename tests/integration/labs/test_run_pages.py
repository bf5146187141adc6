"""The pages of runs on the real service: the list, the form, a run as it goes and as it was."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.content import cell, moons, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_container import Runner, page, running
from tests.support.run_desk import CODE, TOKEN, ordered

from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.runner import digest

ADA = Person("ada", "Ada")
BEN = Person("ben", "Ben")
VALUES = (
    "epochs = 3  # how long it learns\nrate = 0.1\nverbose = False\nkind: Literal['a', 'b'] = 'a'"
)


def tagged(source: str) -> dict[str, Any]:
    return cell("code", source, "p") | {"metadata": {"tags": ["parameters"]}}


BOOK = notebook([tagged(VALUES), cell("code", "fit(epochs)", "fit")])
FILES = {"main.ipynb": BOOK, "train.py": b"print(1)\n"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("run-pages")) as made:
        made.seen_as(ADA, BEN)
        yield made


@pytest.fixture
def ada(server: LabsServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"X-As": "ada"}, timeout=30) as http:
        yield http


@pytest.fixture
def visitor(server: LabsServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as http:
        yield http


@pytest.fixture
def runner(server: LabsServer) -> Iterator[Runner]:
    with running(server, FILES, name="First try", parameters={"epochs": 7}) as made:
        yield made


def test_a_run_that_is_over_is_had_again_at_a_press(runner: Runner, ada: httpx.Client) -> None:
    assert f'action="/services/labs{runner.page}/again"' not in page(ada, runner.page)
    runner.end("failed", sentence="No")
    html = page(ada, runner.page)
    assert f'action="/services/labs{runner.page}/again"' in html
    assert f'href="/services/labs/{runner.desk.lab.path}/runs/new?like=1"' in html
    made = ada.post(f"{runner.page}/again", data={"_csrf": "-"})
    assert made.headers["location"] == f"/services/labs/{runner.desk.lab.path}/runs/2"
    again = runner.desk.server.tools.runs.find(runner.desk.lab, 2)
    assert again is not None
    assert again.draft == runner.desk.run.draft
    assert (again.state.value, again.parameters) == ("queued", {"epochs": 7})
    ben = ada.post(f"{runner.page}/again", data={"_csrf": "-"}, headers={"X-As": "ben"})
    assert ben.headers["location"].endswith("/runs/3")
    theirs = runner.desk.server.tools.runs.find(runner.desk.lab, 3)
    assert theirs is not None
    assert theirs.person == "ben"
    stop = f"/{runner.desk.lab.path}/runs/3/stop"
    assert ada.post(stop, data={"_csrf": "-"}, headers={"X-As": "ben"}).status_code == 303
    assert httpx.post(f"{ada.base_url}{runner.page[1:]}/again").status_code in {302, 401, 403}


def test_who_is_not_signed_in_reads_runs_and_is_asked_to_sign_in_to_order_one(
    runner: Runner, visitor: httpx.Client
) -> None:
    lab = runner.desk.lab
    assert "First try" in page(visitor, f"/{lab.path}/runs")
    assert "/stop" not in page(visitor, runner.page)
    asked = visitor.get(f"/{lab.path}/runs/new")
    assert asked.status_code == 302
    assert "/login?next=" in asked.headers["location"]


def test_others_do_not_see_runs_of_a_private_lab(
    server: LabsServer, visitor: httpx.Client, ada: httpx.Client
) -> None:
    lab = server.publish("ada", FILES, title="Secret", visibility=Visibility.PRIVATE)
    ada.post(f"/{lab.path}/runs", data={"_csrf": "-", "path": "main.ipynb"})
    for path in ("/runs", "/runs/1", "/runs/1/live", "/runs/1/notebook"):
        assert visitor.get(f"/{lab.path}{path}").status_code == 404
        headers = {"X-As": "ben"}
        assert visitor.get(f"/{lab.path}{path}", headers=headers).status_code == 404


def test_the_page_shows_lines_cells_and_outputs_and_nothing_of_them_acts(
    runner: Runner, visitor: httpx.Client
) -> None:
    picture = base64.b64encode(moons()).decode()
    runner.tell(
        1,
        {"kind": "cell", "cell": 1, "state": "running"},
        {"kind": "stdout", "text": "\x1b[32mgood\x1b[0m <script>x()</script>\n 10%\r 20%", "cell": 1},
        {"kind": "output", "cell": 1, "output": {"output_type": "display_data",
         "data": {"image/png": picture, "text/plain": "<Figure>"}, "metadata": {}}},
        {"kind": "output", "cell": 1, "output": {"output_type": "display_data",
         "data": {"text/html": "<b>bold</b><script>y()</script>"}, "metadata": {}}},
        {"kind": "usage", "cpu": 1.5, "memory_mib": 512},
    )  # fmt: skip
    html = page(visitor, runner.page)
    for shown in ("Running", 'id="cell-2"', '<span class="ansi-fg-2">good</span>', " 20%</span>",
                  "data:image/png;base64,", "<b>bold</b>", "1.5 of 1 cores", "epochs", "/live?mark="):  # fmt: skip
        assert shown in html
    for hidden in ("<script>x()", "y()", " 10%"):
        assert hidden not in html
    runner.end("failed", sentence="Cell 2 raised ValueError: no", cell=1, ename="ValueError",
               evalue="no", traceback=["Traceback"])  # fmt: skip
    ended = page(visitor, runner.page)
    assert "Failed" in ended
    assert "Cell 2 raised ValueError: no" in ended
    assert '<a href="#cell-2">See it in the log</a>' in ended
    assert "/live?" not in ended


def test_the_executed_notebook_and_outputs_are_linked(
    runner: Runner, visitor: httpx.Client
) -> None:
    book = notebook([cell("code", "1 + 1", "a", [{"output_type": "execute_result", "metadata": {},
                     "data": {"text/plain": "2 <b>"}, "execution_count": 1}], 1)])  # fmt: skip
    runner.http.put("/notebook", content=book).raise_for_status()
    for path, content in {"plots/loss.png": moons(), "loss.csv": b"epoch,loss\n0,0.5\n",
                          "report.html": b"<script>x()</script>"}.items():  # fmt: skip
        runner.http.put(f"/outputs/{path}", content=content).raise_for_status()
    runner.http.put("/outputs/model/weights 1.bin", content=b"12345").raise_for_status()
    runner.end()
    html = page(visitor, runner.page)
    address = "runs/1/outputs/model/weights%201.bin"
    assert f"/services/labs/api/v1/labs/{runner.desk.lab.path}/{address}" in html
    assert "5 B" in html
    shown = page(visitor, f"{runner.page}/notebook")
    assert "2 &lt;b&gt;" in shown
    assert 'id="cell-a"' in shown
    assert f'href="/services/labs/{runner.desk.lab.path}/{address}"' in html
    assert "no preview of this kind" in page(visitor, f"{runner.page}/{address[7:]}")
    plot = page(visitor, f"{runner.page}/outputs/plots/loss.png")
    raw = f'src="/services/labs/api/v1/labs/{runner.desk.lab.path}/runs/1/outputs/plots/loss.png"'
    assert raw in plot
    assert "<td>0.5</td>" in page(visitor, f"{runner.page}/outputs/loss.csv")
    told = page(visitor, f"{runner.page}/outputs/report.html")
    assert "&lt;" in told
    assert "<script>x()" not in told
    assert page(visitor, f"{runner.page}/outputs/gone.txt", 404)
    got = httpx.get(f"{visitor.base_url}api/v1/labs/{runner.desk.lab.path}/{address}")
    assert got.content == b"12345"


def test_stop_name_note_delete_and_undo(
    runner: Runner, ada: httpx.Client, visitor: httpx.Client
) -> None:
    run = runner.page
    refused = visitor.post(f"{run}/stop", headers={"X-As": "ben"}, data={"_csrf": "-"})
    assert refused.status_code == 403
    assert "was started by ada" in refused.text
    early = ada.post(f"{run}/delete", data={"_csrf": "-"})
    assert early.status_code == 409
    assert "Stop it first" in early.text
    assert ada.post(f"{run}/stop", data={"_csrf": "-"}).status_code == 303
    assert "ada ordered it to stop" in page(visitor, run)
    assert runner.http.post("/events", json={"first": 1, "events": []}).json()["stop"] is True
    runner.end("stopped")
    said = {"_csrf": "-", "called": "Second try", "note": "Too slow.\n<b>"}
    assert ada.post(f"{run}/edit", data=said).status_code == 303
    html = page(visitor, run)
    assert "Second try" in html
    assert "Too slow.\n&lt;b&gt;" in html
    gone = ada.post(f"{run}/delete", data={"_csrf": "-"})
    assert gone.headers["location"].endswith("/runs?deleted=1")
    assert page(visitor, run, 404)
    assert "Undo" in page(ada, gone.headers["location"].removeprefix("/services/labs"))
    assert "This run is deleted" in page(ada, run)
    ada.post(f"{run}/restore", data={"_csrf": "-"})
    assert "Second try" in page(visitor, run)


def test_addresses_that_name_no_run_are_no_pages(runner: Runner, visitor: httpx.Client) -> None:
    base = f"/{runner.desk.lab.path}/runs"
    for path in ("/99", "/x", "/0", "/99999999999", "/1/notebook"):
        assert visitor.get(base + path).status_code == 404, path
    huge, ada = "9" * 30, {"X-As": "ada"}
    for path, status in (
        (f"{base}/new?revision={huge}", 422),
        (f"{base}/new?revision=9", 404),
        (f"{base}/new?like={huge}", 404),
        (f"{base}/new?path=none.ipynb", 404),
        (f"{base}/1?line={huge}", 200),
        (f"{base}/1?line=-{huge}", 200),
        (f"{base}/{huge}/live", 404),
        (f"{base}?cursor=x", 422),
    ):
        assert visitor.get(path, headers=ada).status_code == status, path
    stop = visitor.post(f"/-/runs/{huge}/stop", headers=ada, data={"_csrf": "-"})
    assert stop.status_code == 422


def test_my_runs_are_of_all_labs_also_of_those_that_closed_and_can_be_stopped(
    server: LabsServer, visitor: httpx.Client
) -> None:
    ben = {"X-As": "ben"}
    lab = server.publish("ada", FILES, title="Open for a while")
    order = {"_csrf": "-", "path": "main.ipynb", "name": "Mine"}
    assert visitor.post(f"/{lab.path}/runs", headers=ben, data=order).status_code == 303
    mine = visitor.get("/-/runs", headers=ben).text
    assert f'href="/services/labs/{lab.path}/runs/1"' in mine
    closed = visitor.patch(
        f"/api/v1/labs/{lab.path}", headers={"X-As": "ada"}, json={"visibility": "private"}
    )
    assert closed.status_code == 200
    mine = visitor.get("/-/runs?show=on", headers=ben).text
    assert lab.path not in mine
    assert "A lab that is closed to you now" in mine
    number = mine.split("/-/runs/")[1].split("/stop")[0]
    other = visitor.post(f"/-/runs/{number}/stop", headers={"X-As": "ada"}, data={"_csrf": "-"})
    assert other.status_code == 404
    stopped = visitor.post(f"/-/runs/{number}/stop", headers=ben, data={"_csrf": "-"})
    assert stopped.headers["location"] == "/services/labs/-/runs"
    assert "None of your runs goes on" in visitor.get("/-/runs?show=on", headers=ben).text
    assert "Stopped" in visitor.get("/-/runs?show=over", headers=ben).text
    assert visitor.get("/-/runs").status_code == 302


def test_a_run_is_held_as_the_form_says_and_its_person_looks_into_it_or_stops_it(
    server: LabsServer, ada: httpx.Client
) -> None:
    first = ordered(server, FILES)
    lab, tools = first.lab, server.tools
    form = {"_csrf": "-", "path": "main.ipynb", "hold": "1"}
    assert 'name="hold"' in page(ada, f"/{lab.path}/runs/new")
    made = ada.post(f"/{lab.path}/runs", data=form)
    assert made.headers["location"].endswith("/runs/2")
    run = tools.runs.find(lab, 2)
    assert run is not None
    assert run.is_to_hold
    assert not first.run.is_to_hold
    assert 'value="1" aria-describedby="hold-help" checked' in page(
        ada, f"/{lab.path}/runs/new?like=2"
    )
    assert tools.runs.set_code(run, digest(CODE))
    url = first.url.replace(f"/{first.run.id}", f"/{run.id}")
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        http.post("/exchange", json={"code": CODE, "token": TOKEN}).raise_for_status()
        heard = {"first": 1, "events": []}
        here = f"/{lab.path}/runs/2"
        assert f"{here}/look" in page(ada, here)
        said = {"state": "failed", "reason": {"sentence": "No", "ename": "ValueError"}}
        held = http.post("/end", json=said | {"holds": True}).json()
        assert 0 < held["held_seconds"] <= 15 * 60
        assert not http.post("/events", json=heard).json()["stop"]
        html = page(ada, here)
        assert f"{here}/look" in html
        assert "Its container is held" in html
        theirs = ada.get(here, headers={"X-As": "ben"}).text
        assert "Its container is held" in theirs
        assert f"{here}/look" not in theirs
        refused = ada.post(f"{here}/look", data={"_csrf": "-"}, headers={"X-As": "ben"})
        assert (refused.status_code, "only they can look into it" in refused.text) == (403, True)
        assert ada.post(f"{here}/stop", data={"_csrf": "-"}).status_code == 303
        assert http.post("/events", json=heard).json()["stop"]
        html = page(ada, here)
        assert f"{here}/look" not in html
        assert "Its container is held" not in html
    assert tools.runs.find(lab, 2).state.value == "failed"  # type: ignore[union-attr]
