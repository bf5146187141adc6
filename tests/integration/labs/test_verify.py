"""Verifying that revisions run clean, on the real service: run, verdict, badge, and its turning."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import TOKEN
from tests.support.waiting import wait_until

from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.runner import digest
from machinelabs_hub.labs.services.verifier import turn
from machinelabs_hub.sites import Files

INJECTED = {**cell("code", "epochs = 7", "i"), "metadata": {"tags": ["injected-parameters"]}}
TAGGED = {**cell("code", "epochs = 2", "p"), "metadata": {"tags": ["parameters"]}}


def printed(text: str, count: int = 1) -> dict[str, Any]:
    output = {"output_type": "stream", "name": "stdout", "text": text}
    return {**cell("code", "fit()", "fit"), "execution_count": count, "outputs": [output]}


SAVED = notebook([TAGGED, INJECTED, printed("loss 0.1234 after 0:03:11\n")])
VALUES = [TAGGED | {"execution_count": 1}, INJECTED | {"execution_count": 2}]
CLEAN = notebook([*VALUES, printed("loss 0.1234 after 0:04:59\n", 3)])
OTHER = notebook([*VALUES, printed("loss 0.9 <script>alert(1)</script>\n", 3)])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("verify")) as made:
        made.seen_as(Person("ada", "Ada"), Person("ben", "Ben"))
        yield made


@pytest.fixture
def ada(server: LabsServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"X-As": "ada"}, timeout=30) as http:
        yield http


@pytest.fixture
def lab(server: LabsServer, request: pytest.FixtureRequest) -> Lab:
    name = request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-")
    return server.publish("ada", {"main.ipynb": SAVED}, name=name, title=name)


Ended = Callable[..., dict[str, Any]]


@pytest.fixture
def verified(server: LabsServer, ada: httpx.Client, lab: Lab) -> Ended:
    """Order a verification, do what its container would do, and return what came of it."""

    def verify(
        executed: bytes = CLEAN, *, state: str = "finished", uses: tuple[int, ...] = (),
        **reason: Any,
    ) -> Any:  # fmt: skip
        made = ada.post(f"api/v1/labs/{lab.path}/verifications")
        assert made.status_code == 201, made.text
        number = made.json()["number"]
        run = server.tools.runs.find(lab, number)
        assert run is not None
        assert run.parameters == {"epochs": 7}
        assert server.tools.runs.set_code(run, digest("code"))
        runner = f"api/v1/runner/{run.id}"
        shown = {"code": "code", "token": TOKEN}
        ada.post(f"{runner}/exchange", json=shown).raise_for_status()
        head = {"Authorization": f"Bearer {TOKEN}"}
        ada.put(f"{runner}/notebook", content=executed, headers=head).raise_for_status()
        at = "2026-01-01T00:00:00+00:00"
        log = [{"n": n, "at": at, "kind": "usage", "memory_mib": mib}
               for n, mib in enumerate(uses, 1)]  # fmt: skip
        ada.post(f"{runner}/events", json={"first": 1, "events": log}, headers=head)
        body = {"state": state} | ({"reason": reason} if reason else {})
        ada.post(f"{runner}/end", json=body, headers=head).raise_for_status()
        where = f"api/v1/labs/{lab.path}/verifications/{number}"

        def is_over() -> bool:
            return bool(ada.get(where).json()["verdict"] != "pending")

        wait_until(is_over, seconds=15, what="a verdict")
        return ada.get(where).json()

    return verify


def page(http: httpx.Client, path: str) -> str:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def found(http: httpx.Client, lab: Lab) -> dict[str, Any]:
    got: dict[str, Any] = http.get(f"api/v1/labs/{lab.path}").json()
    return got


def test_a_lab_that_shows_what_is_saved_runs_clean(
    server: LabsServer, ada: httpx.Client, lab: Lab, verified: Ended
) -> None:
    assert "Runs clean" not in page(ada, lab.path)
    said = verified()
    assert (said["verdict"], said["revision"], said["holds"]) == ("clean", 1, True)
    assert said["sentence"] == "1 cell shows what the revision shows."
    assert [each["same"] for each in said["cells"]] == ["nothing", "nothing", "same"]
    assert "Runs clean · " in page(ada, lab.path)
    assert f"/{lab.path}/verify/1" in page(ada, lab.path)
    assert "Runs clean · " in page(ada, f"?q={lab.name}&runs_clean=true")
    assert found(ada, lab)["runs_clean"] is True
    server.revise(lab, {"main.ipynb": OTHER})
    assert "Runs clean" not in page(ada, lab.path)
    assert found(ada, lab)["runs_clean"] is None


def test_what_differs_is_shown_with_both_sides_and_nothing_of_them_acts(
    ada: httpx.Client, lab: Lab, verified: Ended
) -> None:
    said = verified(OTHER)
    assert (said["verdict"], said["cells"][2]["same"]) == ("differs", "differs")
    assert said["sentence"] == "Cell 3 shows something else than in the revision."
    html = page(ada, f"{lab.path}/verify/1")
    assert "In the revision" in html
    assert "loss 0.1234" in html
    assert "loss 0.9 &lt;script&gt;" in html
    assert "<script>alert" not in html
    assert "Results differ · " in page(ada, lab.path)
    assert found(ada, lab)["runs_clean"] is False


def test_an_error_of_the_code_fails_and_one_of_the_site_says_nothing(
    ada: httpx.Client, lab: Lab, verified: Ended
) -> None:
    void = verified(state="failed", sentence="The input cannot be reached.")
    assert (void["verdict"], void["sentence"]) == ("void", "The input cannot be reached.")
    assert found(ada, lab)["runs_clean"] is None
    failed = verified(state="failed", sentence="ValueError: no", cell=2, ename="ValueError")
    assert (failed["verdict"], failed["number"]) == ("failed", 2)
    assert "Fails · " in page(ada, lab.path)
    assert found(ada, lab)["runs_clean"] is False
    items = ada.get(f"api/v1/labs/{lab.path}/verifications?limit=1").json()
    assert [each["number"] for each in items["items"]] == [2]
    assert "Says nothing" in page(ada, f"{lab.path}/verify")


def test_results_that_cannot_be_compared_keep_no_others_from_their_verdicts(
    ada: httpx.Client, verified: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("expected name token")

    with monkeypatch.context() as patch:
        patch.setattr("machinelabs_hub.labs.services.verifier.compare_cells", fail)
        said = verified()
    assert said["verdict"] == "void"
    assert said["sentence"] == "What it shows could not be compared with the revision."
    assert verified()["verdict"] == "clean"


@pytest.fixture
def build(server: LabsServer) -> Iterator[Callable[[str], None]]:
    """Let the site have another build of the image."""
    builds = Files(server.settings.data).builds
    builds.parent.mkdir(parents=True, exist_ok=True)

    def make(identity: str) -> None:
        one = {"id": f"sha256:{identity * 64}", "tag": "x:1", "size_mib": 1}
        builds.write_text(json.dumps({"datascience": one}))
        server.tools.catalog()

    yield make
    builds.unlink()


def test_the_badge_turns_when_the_site_builds_another_image(
    server: LabsServer, ada: httpx.Client, lab: Lab, verified: Ended, build: Callable[[str], None]
) -> None:
    build("a")
    assert verified()["image_id"] == f"sha256:{'a' * 64}"
    assert found(ada, lab)["runs_clean"] is True
    build("b")
    assert turn(server.tools) >= 1
    assert found(ada, lab)["runs_clean"] is None
    assert "Ran clean · " in page(ada, lab.path)
    said = ada.get(f"api/v1/labs/{lab.path}/verifications/1").json()
    assert (said["holds"], said["changes"]) == (
        False,
        ["the site has another build of datascience"],
    )
    assert "It does not hold any more" in page(ada, f"{lab.path}/verify/1")
    build("a")
    turn(server.tools)
    assert found(ada, lab)["runs_clean"] is True


def test_who_may_run_a_lab_may_verify_it_once_at_a_time(
    server: LabsServer, ada: httpx.Client, lab: Lab
) -> None:
    where = f"api/v1/labs/{lab.path}/verifications"
    assert ada.post(where, headers={"X-As": ""}).status_code == 401
    gone = ada.post(f"{lab.path}/verify", data={"_csrf": "-"}, headers={"X-As": "ben"})
    assert (gone.status_code, gone.headers["location"]) == (
        303,
        f"/services/labs/{lab.path}/runs/1",
    )
    again = ada.post(where)
    assert (again.status_code, again.json()["code"]) == (409, "already_verifying")
    assert "It verifies r1" in page(ada, f"{lab.path}/runs/1")
    assert "The run is not over" in page(ada, f"{lab.path}/verify/1")
    assert ada.post(where, json={"revision": 9}).json()["code"] == "no_revision"
    secret = server.publish("ada", {"main.ipynb": SAVED}, visibility=Visibility.PRIVATE)
    ben = {"X-As": "ben"}
    for path in (f"{secret.path}/verify", f"api/v1/labs/{secret.path}/verifications"):
        assert ada.get(path, headers=ben).status_code == 404
    assert ada.get(f"{lab.path}/verify/77").status_code == 404
    assert ada.get(f"{lab.path}/verify/x").status_code == 404


def test_what_runs_needed_is_the_labs_label_and_chooses_the_size(
    server: LabsServer, ada: httpx.Client, lab: Lab, verified: Ended
) -> None:
    assert ">Needs about" not in page(ada, lab.path)
    verified(uses=(300, 1700, 800))
    assert "Needs about 1.7 GB, 1 s" in page(ada, lab.path)
    form = page(ada, f"{lab.path}/runs/new")
    assert "It needed about 1.7 GB, 1 s in its last run." in form
    sizes = {one.name: one.memory_mib for one in server.tools.catalog().flavours if not one.gpu}
    small = min((mib, name) for name, mib in sizes.items() if mib >= 1700 * 1.25 + 128)[1]
    chosen = ada.get(f"api/v1/labs/{lab.path}/runs/form").json()
    assert chosen["flavour"] == small
    assert chosen["needs"] == {
        "memory_mib": 1700, "gpu_memory_mib": 0, "seconds": chosen["needs"]["seconds"], "runs": 1,
    }  # fmt: skip
    with_values = ada.post(f"api/v1/labs/{lab.path}/runs", json={"parameters": {"epochs": 1}})
    run = server.tools.runs.get(with_values.json()["id"])
    assert run is not None
    assert run.flavour == small
    server.tools.run_peaks.raise_to(run.id, memory_mib=9000)
    assert "Needs about 1.7 GB" in page(ada, lab.path)
