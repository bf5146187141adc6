"""`ml run`, `logs`, `outputs` and `stop` against the real service; the test is the container."""

import hashlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.ml import Ended, Terminal, command, terminal
from tests.support.run_desk import TOKEN

from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person

VALUES = "epochs = 3\nname = 'a'"
BOOK = notebook(
    [cell("code", VALUES, "p") | {"metadata": {"tags": ["parameters"]}}, cell("code", "x", "x")]
)


@dataclass(frozen=True, slots=True)
class World:
    """A service, a lab in it, and somebody at a terminal."""

    server: LabsServer
    lab: Lab
    ada: Terminal
    ends: ExitStack

    def container(self, number: int = 1) -> "Container":
        """Act as the container of a run, once it was ordered."""
        runs = self.server.tools.runs
        run = within(10, lambda: runs.find(self.lab, number))
        assert runs.set_code(run, hashlib.sha256(b"once").hexdigest())
        port = self.server.settings.site.port
        url = f"http://127.0.0.1:{port}/services/labs/api/v1/runner/{run.id}"
        http = self.ends.enter_context(httpx.Client(base_url=url, timeout=30))
        shown = {"code": "once", "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        return Container(http)


@dataclass(slots=True)
class Container:
    """What a run's container tells."""

    http: httpx.Client
    next: int = 1

    def tell(self, *events: dict[str, Any]) -> None:
        told = [{"n": self.next + n, "at": "2026-01-01T00:00:00+00:00"} | event
                for n, event in enumerate(events)]  # fmt: skip
        body = {"first": self.next, "events": told}
        self.next = self.http.post("/events", json=body).raise_for_status().json()["next"]

    def put(self, path: str, content: bytes) -> None:
        self.http.put(path, content=content).raise_for_status()

    def end(self, state: str, sentence: str = "") -> None:
        reason = {"reason": {"sentence": sentence}} if sentence else {}
        self.http.post("/end", json={"state": state} | reason).raise_for_status()

    @property
    def is_to_stop(self) -> bool:
        return bool(
            self.http.post("/events", json={"first": self.next, "events": []}).json()["stop"]
        )


def within(seconds: float, find: Callable[[], Any]) -> Any:
    """Return what is found once there is something."""
    until = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("ml-runs")) as made:
        made.seen_as(Person("ada", "Ada"), Person("ben", "Ben"))
        yield made


@pytest.fixture
def world(server: LabsServer, tmp_path: Path) -> Iterator[World]:
    lab = server.publish("ada", {"main.ipynb": BOOK, "train.py": b"print(1)\n"})
    with ExitStack() as ends:
        yield World(server, lab, signed_in(server, tmp_path, "ada"), ends)


def signed_in(server: LabsServer, folder: Path, name: str) -> Terminal:
    made = terminal(folder / name)
    made.done("login", server.url.removesuffix("/services/labs"), "--token", given=f"{name}\n")
    return made


def out(text: str, kind: str = "stdout") -> dict[str, Any]:
    return {"kind": kind, "text": text}


def followed(world: World, *arguments: str) -> tuple[threading.Thread, list[Ended]]:
    """Begin an `ml` that follows, and return where its end will be."""
    ends: list[Ended] = []
    thread = threading.Thread(target=lambda: ends.append(world.ada.ml(*arguments)))
    thread.start()
    return thread, ends


def test_a_run_is_ordered_with_values_followed_and_ends_as_it_ends(world: World) -> None:
    lab = world.lab.path
    thread, ends = followed(world, "run", f"{lab}@r1", "-p", "epochs=7", "-p", "name=7", "--name",
                            "Long", "--follow")  # fmt: skip
    container = world.container()
    run = world.server.tools.runs.find(world.lab, 1)
    assert run is not None
    assert (run.parameters, run.name) == ({"epochs": 7, "name": "7"}, "Long")
    for number in range(200):
        container.tell(out(f"line {number}\n"), out(f"{number}%\r", "stderr"))
    container.tell({"kind": "output", "cell": 1, "output": {"output_type": "execute_result",
                    "data": {"text/plain": "42"}, "metadata": {}, "execution_count": 1}})  # fmt: skip
    container.end("finished")
    thread.join(30)
    ended = ends[0]
    assert ended.code == 0, ended.err
    assert ended.out == "".join(f"line {number}\n" for number in range(200)) + "42\n"
    # Who reads them as text has them as ends of lines.
    assert "".join(f"{number}%\n" for number in range(200)) in ended.err
    assert f"{lab}#1 finished after" in ended.err
    assert f"/services/labs/{lab}/runs/1" in ended.err
    again = world.ada.ml("logs", f"{lab}#1")
    assert (again.code, again.out) == (0, ended.out)


@pytest.mark.parametrize(("state", "code"), [("failed", 12), ("stopped", 13)])
def test_a_script_can_tell_how_a_run_ended(world: World, state: str, code: int) -> None:
    thread, ends = followed(world, "run", world.lab.path, "--follow", "--json")
    container = world.container()
    container.tell(out("some\n"))
    container.end(state, "Cell 2 raised ValueError: no")
    thread.join(30)
    assert ends[0].code == code
    assert ends[0].json["state"] == state
    # Why it was stopped the site knows better than who was stopped.
    sentence = {"failed": "Cell 2 raised ValueError: no", "stopped": "It was stopped on the hub"}
    assert ends[0].json["reason"].startswith(sentence[state])
    assert "some\n" in ends[0].err
    assert world.ada.ml("logs", f"{world.lab.path}#1", "--follow").code == code
    assert world.ada.ml("logs", f"{world.lab.path}#1").code == 0


def test_what_cannot_be_run_is_refused_with_what_to_do(world: World) -> None:
    lab = world.lab.path
    for arguments, code, sentence in (
        ((lab, "-p", "epochs=many"), 11, "`epochs` must be a whole number"),
        ((lab, "-p", "rate=1"), 11, "It has epochs, name."),
        ((lab, "-p", "epochs"), 11, "Write -p NAME=VALUE."),
        ((lab, "--path", "gone.py"), 6, "has no file “gone.py”"),
        ((lab, "--image", "none-such"), 11, "There is no image called"),
        (("ada/nothing",), 6, "There is no lab"),
    ):
        ended = world.ada.ml("run", *arguments)
        assert (ended.code, ended.out) == (code, ""), ended.err
        assert sentence in ended.err
    assert world.server.tools.runs.find(world.lab, 1) is None
    assert world.ada.ml("logs", f"{lab}#9").code == 6
    assert world.ada.ml("stop", lab).code == 11


def test_a_run_is_had_again_as_it_was_or_with_changes(world: World) -> None:
    lab = world.lab.path
    first = world.ada.done("run", lab, "-p", "epochs=7", "-p", "name=b", "--name", "First")
    again = world.ada.done("run", "--from", f"{lab}#1")
    kept = ("revision", "path", "image", "flavour", "parameters", "name")
    assert [again[key] for key in kept] == [first[key] for key in kept]
    assert (again["run"], again["parameters"]) == (f"{lab}#2", {"epochs": 7, "name": "b"})
    changed = world.ada.done("run", "--from", f"{lab}#1", "-p", "epochs=9", "--name", "Longer")
    assert (changed["parameters"], changed["name"]) == ({"epochs": 9, "name": "b"}, "Longer")
    assert world.ada.ml("run", "--from", f"{lab}#8").code == 6


def test_a_grid_is_a_sweep_that_ends_as_its_runs_end(world: World) -> None:
    lab = world.lab.path
    made = world.ada.done("run", lab, "--grid", "epochs=1,2", "--grid", 'name=["a,b"]')
    assert [run["parameters"] for run in made["runs"]] == [
        {"epochs": 1, "name": "a,b"},
        {"epochs": 2, "name": "a,b"},
    ]
    refused = world.ada.ml("run", lab, "--grid", "epochs=1,many")
    assert (refused.code, "`epochs` must be a whole number" in refused.err) == (11, True)
    assert world.ada.ml("run", lab, "--grid", "epochs").code == 11
    thread, ends = followed(world, "run", "--from", f"{lab}#2", "--grid", "epochs=5,6", "-f")
    third, fourth = world.container(3), world.container(4)
    third.tell({"kind": "metric", "name": "loss", "points": [[1, 0.25, 1.0]]})
    third.end("finished")
    fourth.end("failed", "No")
    thread.join(30)
    assert ends[0].code == 12, ends[0].err
    assert re.fullmatch(
        rf"{lab}#3 finished [0-9.]+ s epochs=5 loss=0.25\n{lab}#4 failed [0-9.]+ s epochs=6\n",
        ends[0].out,
    )
    assert "1 finished, 1 failed" in ends[0].err


def test_a_folder_runs_the_lab_that_it_is_and_a_script_takes_any_name(world: World) -> None:
    world.ada.done("pull", world.lab.path, "here")
    here = world.ada.at("here")
    (here.folder / "train.py").write_text("print(2)\n")
    done = here.ml("run", "--path", "train.py", "-p", "rate=0.5", "--json")
    assert (done.json["run"], done.json["state"]) == (f"{world.lab.path}#1", "queued")
    assert (done.json["parameters"], done.json["path"]) == ({"rate": "0.5"}, "train.py")
    assert "not in it" in done.err


def test_outputs_are_listed_and_laid_whole_and_nothing_there_is_overwritten(world: World) -> None:
    lab = world.lab.path
    world.ada.done("run", lab)
    container = world.container()
    assert "nothing out so far" in world.ada.ml("outputs", f"{lab}#1").out
    container.put("/outputs/model/weights 1.bin", b"w" * 100_000)
    container.put("/outputs/metrics.json", b"{}")
    container.put("/notebook", BOOK)
    container.end("finished")
    listed = world.ada.ml("outputs", f"{lab}#1").out
    assert "metrics.json" in listed
    assert "98 KiB" in listed
    done = world.ada.done("outputs", f"{lab}#1", "got")
    assert done["laid"] == ["metrics.json", "model/weights 1.bin", "main.ipynb"]
    got = world.ada.folder / "got"
    assert (got / "model/weights 1.bin").read_bytes() == b"w" * 100_000
    assert (got / "main.ipynb").read_bytes() == BOOK
    assert world.ada.done("outputs", f"{lab}#1", "got")["laid"] == []
    (got / "metrics.json").write_text("mine")
    refused = world.ada.ml("outputs", f"{lab}#1", "got")
    assert (refused.code, "differs" in refused.err) == (10, True)
    assert (got / "metrics.json").read_text() == "mine"


def test_stop_is_for_who_may_and_what_was_printed_stays(world: World, tmp_path: Path) -> None:
    lab = world.lab.path
    world.ada.done("run", lab)
    container = world.container()
    container.tell(out("so far\n"))
    ben = signed_in(world.server, tmp_path, "ben")
    refused = ben.ml("stop", f"{lab}#1")
    assert (refused.code, "was started by ada" in refused.err) == (5, True)
    assert not container.is_to_stop
    assert world.ada.ml("stop", f"{lab}#1").out == f"Stopping {lab}#1.\n"
    assert container.is_to_stop
    container.end("stopped", "ada stopped it.")
    assert world.ada.ml("stop", f"{lab}#1").out == f"{lab}#1 is stopped.\n"
    assert ben.ml("logs", f"{lab}#1").out == "so far\n"


def test_ctrl_c_in_a_pipe_stops_watching_alone(world: World) -> None:
    process = subprocess.Popen(
        command("run", world.lab.path, "-f"), cwd=world.ada.folder, env=world.ada.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    container = world.container()
    container.tell(out("one\n"))
    assert process.stdout is not None
    assert process.stdout.readline() == "one\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"It goes on. Stop it with: ml stop {world.lab.path}#1" in err
    assert not container.is_to_stop


@pytest.mark.parametrize(("answer", "code"), [("y", 13), ("n", 130)])
def test_ctrl_c_at_a_terminal_asks_what_is_meant(world: World, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("run", world.lab.path, "-f"), cwd=world.ada.folder, env=world.ada.environment,
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    container = world.container()
    container.tell(out("one\x1b]0;title\x07\n"))
    assert "one\r\n" in read_until(ours, "one\r\n")
    process.send_signal(signal.SIGINT)
    read_until(ours, "Stop the run too? [y/N] ")
    os.write(ours, f"{answer}\n".encode())
    if answer == "y":
        within(10, lambda: container.is_to_stop)
        container.tell(out("last words\n"))
        container.end("stopped", "ada stopped it.")
        assert "was stopped" in read_until(ours, "was stopped")
    assert process.wait(30) == code
    os.close(ours)


def read_until(terminal: int, wanted: str) -> str:
    """Read what a terminal shows until it shows this, for 30 seconds."""
    shown = b""
    while wanted.encode() not in shown:
        assert select.select([terminal], [], [], 30)[0], shown
        shown += os.read(terminal, 4096)
    return shown.decode()


def test_json_of_a_run_says_all_of_it(world: World) -> None:
    said = world.ada.done("run", world.lab.path)
    assert set(said) == {
        "run", "lab", "number", "state", "is_final", "out_of_contact", "reason", "revision",
        "path", "image", "flavour", "parameters", "name", "seconds", "url",
    }  # fmt: skip
    assert json.loads(json.dumps(said))["url"].endswith(f"/{world.lab.path}/runs/1")


def test_schedules_are_made_listed_paused_and_deleted(world: World) -> None:
    lab = world.lab.path
    told = world.ada.ml("schedule", lab, "0 6 29 2 *", "--zone", "Europe/Berlin", "-p", "epochs=7")
    assert told.code == 0, told.err
    assert "At 06:00 on February 29 (Europe/Berlin)" in told.out
    (made,) = world.ada.done("schedules", lab)["items"]
    (row,) = world.server.tools.schedules.page(world.lab, person="ada", before=None, limit=9)
    assert (row.id, row.draft.parameters) == (made["id"], {"epochs": "7"})
    number = str(made["id"])
    assert world.ada.done("schedules", lab, "--pause", number)["is_paused"]
    assert "paused" in world.ada.ml("schedules", lab).out
    assert not world.ada.done("schedules", lab, "--resume", number)["is_paused"]
    world.ada.done("schedules", lab, "--delete", number)
    assert "no schedule" in world.ada.ml("schedules", lab).out
    wrong = world.ada.ml("schedule", lab, "soon")
    assert wrong.code
    assert "five parts" in wrong.err
