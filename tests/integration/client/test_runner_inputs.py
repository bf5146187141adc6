"""Inputs of a run, from a real host of the web by way of a real labs service to the code."""

import asyncio
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, RunDesk, ordered
from tests.support.web import Web, web

from machinelabs.runner.run import Run
from machinelabs.runner.service import Service
from machinelabs.runner.words import Ended
from machinelabs_hub.run_settings import Inputs, Runs

pytestmark = pytest.mark.timeout(180)

READS = b"""import pathlib
for path in sorted(pathlib.Path('inputs').rglob('*')):
    path.is_file() and print(path.name, path.stat().st_size)
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Web]:
    with web() as one:
        yield one


@pytest.fixture(scope="module")
def server(host: Web, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    runs = Runs(inputs=Inputs(inside=(host.host,), largest_mib=8))
    with labs_server(tmp_path_factory.mktemp("labs") / "data", runs=runs) as one:
        yield one


def asks(*inputs: dict[str, str], **files: bytes) -> dict[str, bytes]:
    """Files of a lab that asks for these."""
    lines = ["inputs:"]
    for one in inputs:
        first, *rest = one.items()
        lines.append(f"  - {first[0]}: '{first[1]}'")
        lines += [f"    {key}: '{value}'" for key, value in rest]
    return {"main.py": READS, "ml.yaml": "\n".join(lines).encode()} | files


async def executed(desk: RunDesk, folder: Path) -> Ended:
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - nothing else goes on here yet
    service = Service(desk.url)
    try:
        return await Run(service, folder).run(CODE)
    finally:
        await service.close()


def ends(desk: RunDesk) -> dict[str, Any]:
    """The last that was told of each input."""
    return {event["name"]: event for event in desk.events("input")}


async def until(true: Any) -> None:
    for _ in range(300):
        if true():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come about")


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_inputs_are_there_before_the_code_and_are_told_of(
    server: LabsServer, host: Web, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 12_000
    desk = ordered(
        server,
        asks(
            {"name": "a.bin", "url": host.put("/a.bin", data, seconds=5), "sha256": sha(data)},
            {"name": "deep/b.txt", "url": host.put("/b.txt", b"bee")},
        ),
    )
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert desk.said() == f"a.bin {len(data)}\nb.txt 3\n"
    assert (tmp_path / "run/inputs/a.bin").read_bytes() == data
    told = ends(desk)
    assert {name: (one["state"], one["total"]) for name, one in told.items()} == {
        "a.bin": ("done", len(data)), "deep/b.txt": ("done", 3),
    }  # fmt: skip
    assert told["a.bin"]["sha256"] == sha(data)
    steps = [one["received"] for one in desk.events("input") if one["state"] == "fetching"]
    assert steps == sorted(steps)
    assert any(0 < step < len(data) for step in steps)
    first_print = desk.events("stdout")[0]["n"]
    assert all(one["n"] < first_print for one in desk.events("input"))
    assert desk.outputs() == {}


async def test_a_second_run_has_it_from_the_site_and_asks_the_host_once_whether_it_changed(
    server: LabsServer, host: Web, tmp_path: Path
) -> None:
    url = host.put("/kept", b"kept", etag='"one"')
    one = ordered(server, asks({"name": "k", "url": url, "sha256": sha(b"kept")}))
    assert (await executed(one, tmp_path / "one")).state == "finished"
    two = ordered(server, asks({"name": "k", "url": url, "sha256": sha(b"kept")}))
    assert (await executed(two, tmp_path / "two")).state == "finished"
    assert host.times("/kept") == 1
    assert ends(two)["k"]["is_kept"]
    await asyncio.sleep(5.5)
    free = ordered(server, asks({"name": "k", "url": url}))
    assert (await executed(free, tmp_path / "free")).state == "finished"
    assert host.times("/kept") == 2
    assert host.asked[-1][1]["If-None-Match"] == '"one"'
    host.put("/kept", b"changed", etag='"two"')
    await asyncio.sleep(5.5)
    last = ordered(server, asks({"name": "k", "url": url}))
    assert (await executed(last, tmp_path / "last")).state == "finished"
    assert last.said() == "k 7\n"


async def test_a_cut_download_goes_on_where_it_was(
    server: LabsServer, host: Web, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 4000
    url = host.put("/cut", data, etag='"e"', cuts=[300_000, 200_000])
    desk = ordered(server, asks({"name": "c", "url": url, "sha256": sha(data)}))
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    ranges = [headers.get("Range") for path, headers in host.asked if path == "/cut"]
    assert ranges == [None, "bytes=300000-", "bytes=500000-"]


async def test_a_host_that_gives_no_parts_is_asked_for_all_again(
    server: LabsServer, host: Web, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 4000
    url = host.put("/whole", data, cuts=[300_000], resumes=False, statuses=[503])
    desk = ordered(server, asks({"name": "c", "url": url, "sha256": sha(data)}))
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert host.times("/whole") == 3


@pytest.mark.parametrize(
    "case",
    [
        ("/none", {"statuses": [404, 404]}, "input_unreachable", "answers 404 Not Found"),
        ("/broken", {"content": b"x" * 10, "cuts": [3] * 9}, "input_unreachable", "tried 4 times"),
        ("/huge", {"content": bytes(9 << 20)}, "input_too_large", "larger than 8 MiB"),
        ("/drip", {"content": bytes(9 << 20), "says_length": False}, "input_too_large", "8 MiB"),
        ("/other", {"content": b"other"}, "input_wrong_hash", sha(b"other")),
        ("/round", {"to": "/round"}, "input_unreachable", "without an end"),
        ("/in", {"to": "http://127.0.0.1:1/"}, "input_not_allowed", "inside network"),
        ("/meta", {"to": "http://169.254.169.254/latest"}, "input_not_allowed", "inside network"),
        ("/file", {"to": "file:///etc/passwd"}, "input_not_allowed", "no address of the web"),
    ],
)
async def test_a_refusal_ends_the_run_before_its_code(
    server: LabsServer, host: Web, tmp_path: Path, case: tuple[str, dict[str, Any], str, str]
) -> None:
    path, page, code, says = case
    asked = {"sha256": sha(b"wanted")} if path == "/other" else {}
    desk = ordered(server, asks({"name": "x", "url": host.put(path, **page), **asked}))
    assert (await executed(desk, tmp_path / "run")).state == "failed"
    reason = desk.now.reason
    assert reason
    assert reason.sentence.startswith("The input “x”: ")
    assert says in reason.sentence
    assert (ends(desk)["x"]["state"], ends(desk)["x"]["code"]) == ("failed", code)
    assert desk.now.reason is not None
    assert desk.now.reason.code == code
    assert desk.said() == ""


async def test_a_run_can_be_stopped_while_its_inputs_come(
    server: LabsServer, host: Web, tmp_path: Path
) -> None:
    desk = ordered(server, asks({"name": "x", "url": host.put("/slow", b"x" * 2000, seconds=60)}))
    going = asyncio.create_task(executed(desk, tmp_path / "run"))
    await until(lambda: desk.events("input"))
    began = time.monotonic()
    desk.stop()
    assert (await going).state == "stopped"
    assert time.monotonic() - began < 8
    assert desk.said() == ""


async def test_another_runs_output_is_an_input(server: LabsServer, tmp_path: Path) -> None:
    makes = (
        b"import pathlib\npathlib.Path('outputs/deep').mkdir(parents=True)\n"
        b"pathlib.Path('outputs/deep/model.pt').write_bytes(b'weights')\n"
    )
    made = ordered(server, {"main.py": makes})
    assert (await executed(made, tmp_path / "made")).state == "finished"
    url = f"run:{made.lab.path}#{made.run.number}/deep/model.pt"
    desk = ordered(server, asks({"name": "m.pt", "url": url, "sha256": sha(b"weights")}))
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert desk.said() == "m.pt 7\n"
    (kept,) = server.tools.run_inputs.all(desk.run)
    assert (kept.sha256, kept.size) == (sha(b"weights"), 7)
    assert server.tools.run_outputs.known([kept.sha256]) == {kept.sha256}


async def test_two_runs_that_want_the_same_cost_one_download(
    server: LabsServer, host: Web, tmp_path: Path
) -> None:
    url = host.put("/both", b"b" * 4000, seconds=3)
    desks = [ordered(server, asks({"name": "x", "url": url})) for _ in range(3)]
    ended = await asyncio.gather(
        *(executed(desk, tmp_path / str(at)) for at, desk in enumerate(desks))
    )
    assert [one.state for one in ended] == ["finished"] * 3
    assert host.times("/both") == 1
