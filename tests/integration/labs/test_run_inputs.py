"""What is refused of inputs before a run is made, and who may take what another run put out."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.datasets import sha256, stored
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import ordered

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.models.dataset import Dataset
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import RunDraft
from machinelabs_hub.labs.services.runner import BadRunToken, RunnerService
from machinelabs_hub.labs.services.runs import RunService
from machinelabs_hub.run_settings import Inputs, Runs

ADA, EVE = Person("ada", "Ada"), Person("eve", "Eve")

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    runs = Runs(inputs=Inputs(hosts=("*.example.org",)))
    with labs_server(tmp_path_factory.mktemp("labs") / "data", runs=runs) as one:
        yield one


def order(server: LabsServer, person: str, asks: str, **files: bytes) -> str:
    """Order a run of a lab that asks for these; return the code of the refusal, or nothing."""
    lab = server.publish(person, {"main.py": b"", "ml.yaml": f"inputs: [{asks}]".encode()} | files)
    service = RunService(tools=server.tools, viewer=Person(person, person))
    try:
        service.order(lab, RunDraft())
    except MachineLabsError as error:
        refusal = error
    else:
        return ""
    assert str(refusal)
    assert service.list(lab).items == ()
    return refusal.code


def put_out(server: LabsServer, visibility: Visibility) -> str:
    """Let a run of ada's put out a file; return its address."""
    lab = server.publish("ada", {"main.py": b""}, visibility=visibility)
    run = RunService(tools=server.tools, viewer=Person("ada", "ada")).order(lab, RunDraft())
    runner = RunnerService(tools=server.tools)
    with runner.writer() as content:
        content.write(b"weights")
        runner.keep(run, "m #1.pt", content, "")
    return f"run:{lab.path}#{run.number}/m #1.pt"


def test_hosts_that_the_site_does_not_allow_are_refused_before_the_run(server: LabsServer) -> None:
    assert order(server, "ada", "{name: x, url: 'https://data.example.org/x'}") == ""
    for url in ("https://example.com/x", "http://127.0.0.1:1/", "http://169.254.169.254/"):
        assert order(server, "ada", f"{{name: x, url: '{url}'}}") == "input_not_allowed"


def test_an_input_takes_the_place_of_no_file_of_the_lab(server: LabsServer) -> None:
    files: dict[str, Any] = {"inputs/a.csv": b"mine"}
    asks = "{name: A.csv, url: 'https://data.example.org/x'}"
    assert order(server, "ada", asks, **files) == "clashing_paths"


def test_another_runs_file_is_for_those_who_may_read_it(server: LabsServer) -> None:
    open_to_all = put_out(server, Visibility.PUBLIC)
    assert order(server, "bob", f"{{name: m, url: '{open_to_all}'}}") == ""
    closed = put_out(server, Visibility.PRIVATE)
    assert order(server, "ada", f"{{name: m, url: '{closed}'}}") == ""
    assert order(server, "bob", f"{{name: m, url: '{closed}'}}") == "no_input"
    nothing = closed.replace("m #1.pt", "other.pt")
    assert order(server, "ada", f"{{name: m, url: '{nothing}'}}") == "no_input"
    wrong = f"{{name: m, url: '{open_to_all}', sha256: {'ab' * 32}}}"
    assert order(server, "ada", wrong) == "input_wrong_hash"


def test_who_reads_a_run_reads_what_it_took_in(server: LabsServer) -> None:
    url = put_out(server, Visibility.PRIVATE)
    asks = f"inputs: [{{name: m, url: '{url}'}}]".encode()
    desk = ordered(server, {"main.py": b"", "ml.yaml": asks})
    path = f"/api/v1/labs/{desk.lab.path}/runs/{desk.run.number}/inputs"
    (told,) = httpx.get(server.url.rstrip("/") + path).json()["items"]
    assert (told["name"], told["url"], told["size"]) == ("m", url, 7)
    assert len(told["sha256"]) == 64


def test_of_a_file_of_a_private_dataset_others_learn_only_the_address(server: LabsServer) -> None:
    stored(server.tools, ADA, "patients", {"p.csv": b"secret"})
    url = "dataset:ada/patients@v1/p.csv"
    asks = f"inputs: [{{name: p.csv, url: '{url}'}}]".encode()
    lab = server.publish("ada", {"main.py": b"", "ml.yaml": asks})
    run = RunService(tools=server.tools, viewer=ADA).order(lab, RunDraft())
    path = f"{server.url.rstrip('/')}/api/v1/labs/{lab.path}/runs/{run.number}/inputs"

    def told(who: str) -> tuple[str, str, int]:
        (one,) = httpx.get(path, headers={"X-As": who} if who else {}).json()["items"]
        return one["url"], one["sha256"], one["size"]

    server.seen_as(ADA, EVE)
    assert told("") == told("eve") == (url, "", 0)
    assert told("ada") == (url, sha256(b"secret"), 6)
    server.tools.datasets.put_member(
        found(server, "patients"), Member(MemberKind.PERSON, "eve", Role.VIEWER), by="ada",
        at=server.tools.clock(),
    )  # fmt: skip
    assert told("eve") == (url, sha256(b"secret"), 6)
    # Who ran it had it, and knows what it was.
    server.tools.datasets.set_trashed(found(server, "patients"), server.tools.clock())
    assert told("ada") == (url, sha256(b"secret"), 6)


def test_a_dataset_names_no_lab_for_runs_that_one_may_not_read(server: LabsServer) -> None:
    made = stored(server.tools, EVE, "open", {"a": b"1"}, visibility=Visibility.PUBLIC)
    asks = b"mounts: [{dataset: eve/open@v1, at: data}]"
    lab = server.publish(
        "ada", {"main.py": b"", "ml.yaml": asks}, visibility=Visibility.PRIVATE, name="later-open"
    )
    service = RunService(tools=server.tools, viewer=ADA)
    service.order(lab, RunDraft())
    server.revise(lab, {"main.py": b"1"})
    at = f"{server.url.rstrip('/')}/api/v1/labs/ada/later-open"
    changed = httpx.patch(at, json={"visibility": "public"}, headers={"X-As": "ada"})
    assert changed.json()["visibility"] == "public"

    def users(viewer: Person | None) -> tuple[str, ...]:
        return server.tools.dataset_versions.users(made, viewer, first=1, limit=9)

    root = Person("root", "Root", admin=True)
    assert users(None) == users(EVE) == ()
    assert users(ADA) == users(root) == ("ada/later-open",)
    server.revise(lab, {"main.py": b"2", "ml.yaml": asks})
    newest = server.tools.labs.find("ada", "later-open")
    assert newest is not None
    service.order(newest, RunDraft())
    assert users(None) == users(EVE) == ("ada/later-open",)


def found(server: LabsServer, name: str) -> Dataset:
    one = server.tools.datasets.find("ada", name)
    assert one is not None
    return one


def test_a_runs_inputs_are_for_its_own_token(server: LabsServer) -> None:
    first, second = (
        ordered(
            server, {"main.py": b"", "ml.yaml": f"inputs: [{{name: m, url: '{url}'}}]".encode()}
        )
        for url in (put_out(server, Visibility.PRIVATE), put_out(server, Visibility.PUBLIC))
    )
    runner = RunnerService(tools=server.tools)
    token = "chosen-by-the-container"
    runner.exchange(first.run.id, "shown-once", token)
    file = runner.input(runner.run_of(first.run.id, token), "m")
    run = runner.run_of(first.run.id, token)
    assert b"".join(runner.read_input(run, file, start=2, size=3)) == b"igh"
    with pytest.raises(BadRunToken):
        runner.run_of(second.run.id, token)
