"""Runs as their own containers tell of them, what is kept of them, and what becomes of it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, BOB, ROOT, publish
from tests.integration.labs.test_runs import CODE, FILES, get, order, put, started

from machinelabs_hub.errors import MachineLabsError, NotAllowed
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Reason, RunState
from machinelabs_hub.labs.models.server import HubServer
from machinelabs_hub.labs.services import run_upkeep, trash
from machinelabs_hub.labs.services.people import LabsOfLeaver
from machinelabs_hub.labs.services.run_doors import NotToBeSeen
from machinelabs_hub.labs.services.runner import (
    BadCode,
    BadRunToken,
    OutputsTooLarge,
    RunnerService,
    digest,
)
from machinelabs_hub.labs.services.runs import NoOutput
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab, SignInNeeded
from machinelabs_hub.plans.enforce import HOURS
from machinelabs_hub.plans.model import Notice
from machinelabs_hub.plans.notices import ACCOUNT, NoticeTable


@pytest.fixture
def lab(viewed_by: As) -> Lab:
    return publish(viewed_by, files=FILES)


def test_a_container_runs_with_its_code_once_and_tells_of_itself(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    runner, run, token = started(tools, order(viewed_by, parameters={"epochs": 3}))
    assert run.state is RunState.RUNNING
    # An answer may be lost on its way: the same code with the same token says the same.
    assert runner.exchange(run.id, CODE, token).run == run
    for code, chosen in ((CODE, "another"), ("another", token), ("", token), (CODE, "")):
        with pytest.raises(BadCode):
            runner.exchange(run.id, code, chosen)
    for wrong in ("", "x", CODE):
        with pytest.raises(BadRunToken):
            runner.run_of(run.id, wrong)
    other = order(viewed_by)
    with pytest.raises(BadRunToken):
        runner.run_of(other.id, token)
    events = [{"n": 1, "at": "x", "kind": "stdout", "text": "hi\n"}]
    assert runner.add(run, 1, events) == (2, False)
    assert runner.add(run, 1, events) == (2, False)
    log = viewed_by(None).runs.log(run)
    assert [json.loads(line)["text"] for line in log.read()] == ["hi\n"]
    put(runner, run, "models/a.bin", b"123")
    with runner.writer() as writer:
        writer.write(b"{}")
        runner.keep_notebook(run, writer, "")
    runner.end(run, RunState.FINISHED, None)
    done = get(viewed_by, run.number)
    assert (done.state, done.is_settled) == (RunState.FINISHED, False)
    assert done.ended_at is not None
    seen = viewed_by(None).runs
    assert b"".join(seen.content(seen.output(done, "models/a.bin"))) == b"123"
    assert b"".join(seen.content(seen.notebook(done))) == b"{}"
    states = [change.state.value for change in seen.changes(done)]
    assert states == ["queued", "starting", "running", "finished"]


def test_a_final_state_never_changes(viewed_by: As, tools: Tools, lab: Lab) -> None:
    runner, run, _ = started(tools, order(viewed_by))
    reason = Reason("ValueError in cell 3", 3, "ValueError", "no\0", ("line 1", "\x1b[31mline 2"))
    assert runner.end(run, RunState.FAILED, reason).state is RunState.FAILED
    assert runner.end(run, RunState.FINISHED, None).state is RunState.FAILED
    assert not tools.runs.end(run, RunState.LOST, Reason("gone"), tools.clock())
    assert not tools.runs.start(run, tools.clock())
    assert not tools.runs.order_stop(run, "bob", tools.clock())
    found = get(viewed_by, 1).reason
    assert found == replace(reason, evalue="no\\0")
    assert runner.add(run, 1, [])[1] is False
    again = tools.runs.get(run.id)
    assert again is not None
    assert runner.add(again, 1, []) == (1, True)
    assert tools.runs.settle(again)
    assert [one.id for one in tools.runs.unsettled()] == []


def test_an_order_to_stop_reaches_the_container(viewed_by: As, tools: Tools, lab: Lab) -> None:
    runner, run, token = started(tools, order(viewed_by))
    assert runner.add(run, 1, []) == (1, False)
    stopping = viewed_by(ADA).runs.stop(lab, 1)
    assert (stopping.state, stopping.stop_by) == (RunState.RUNNING, "ada")
    assert not viewed_by(BOB).runs.rights(lab, stopping).stop
    run = runner.run_of(run.id, token)
    assert runner.add(run, 1, []) == (1, True)
    runner.end(run, RunState.STOPPED, Reason("Interrupted."))
    assert get(viewed_by, 1).reason == Reason("ada stopped it.")


def test_a_run_that_is_heard_of_again_is_in_contact_again(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    runner, run, token = started(tools, order(viewed_by))
    tools.runs.set_silent(run, tools.clock())
    assert get(viewed_by, 1).is_out_of_contact
    assert not runner.run_of(run.id, token).is_out_of_contact
    assert not get(viewed_by, 1).is_out_of_contact


def test_outputs_are_held_to_what_a_run_and_a_person_may_keep(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    runner, run, _ = started(tools, order(viewed_by))
    limits = tools.settings.runs.model_copy(update={"output_mib": 1, "output_files": 2})
    small = replace(tools, settings=tools.settings.model_copy(update={"runs": limits}))
    tight = RunnerService(tools=small)
    assert tight.room(run, "a.bin", 0) == 1 << 20
    put(tight, run, "a.bin", b"x" * 1_000_000)
    with pytest.raises(OutputsTooLarge, match="1 MiB"):
        tight.room(run, "b.bin", 100_000)
    assert tight.room(run, "a.bin", 1_000_000) == 1 << 20
    put(tight, run, "b.bin", b"y")
    with pytest.raises(OutputsTooLarge, match="2 files"):
        tight.room(run, "c.bin", 0)
    for path in ("../a", "/a", "a//b", "a\0", ".git/config", "x" * 300):
        with pytest.raises(MachineLabsError):
            runner.room(run, path, 0)
    held = viewed_by(None).runs.held(run)
    assert (held.files, held.size) == (2, 1_000_001)
    with pytest.raises(NoOutput):
        viewed_by(None).runs.output(run, "c.bin")


def test_outputs_are_listed_by_path_in_pages(viewed_by: As, tools: Tools, lab: Lab) -> None:
    runner, run, _ = started(tools, order(viewed_by))
    for path in ("b", "a/2", "a/1", "ü"):
        put(runner, run, path, path.encode())
    put(runner, run, "b", b"again")
    runs = viewed_by(None).runs
    first = runs.outputs(run, limit=3)
    assert [one.path for one in first.items] == ["a/1", "a/2", "b"]
    assert first.next is not None
    rest = runs.outputs(run, limit=3, cursor=first.next)
    assert ([one.path for one in rest.items], rest.next) == (["ü"], None)
    assert b"".join(runs.content(first.items[2])) == b"again"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("", Reason("It was stopped on the hub's pages, or its machine went down.")),
        ("idle", Reason("It was stopped on the hub's pages, or its machine went down.")),
        (
            HOURS,
            Reason("The hours of bob's plan are used up, so it was stopped.", code="hours_used_up"),
        ),
        (ACCOUNT, Reason("The account of bob was switched off or deleted, so it was stopped.")),
    ],
)
def test_a_run_that_the_hub_stopped_says_why(
    viewed_by: As, tools: Tools, lab: Lab, kind: str, reason: Reason
) -> None:
    runner, run, _ = started(tools, order(viewed_by))
    notices, now = NoticeTable(sessions=tools.sessions), tools.clock()
    server = f"run-{run.id}"
    told = Notice("1", "bob", server, HOURS, "They end soon.", at=now)
    notices.put(told)
    notices.put(replace(told, id="2", server="run-999", final_at=now))
    notices.put(replace(told, id="3", user="eve", final_at=now))
    if kind:
        final = replace(told, id="4", kind=kind, final_at=now, ended_at=now)
        notices.put(final)
    runner.end(run, RunState.STOPPED, Reason("The run was stopped."))
    assert get(viewed_by, 1).reason == reason


async def test_only_who_started_a_run_looks_into_it_and_only_while_there_is_a_kernel(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    _, run, _ = started(tools, order(viewed_by))

    async def servers(person: str) -> dict[str, HubServer]:
        assert person == "bob"
        name = f"run-{run.id}"
        url = f"/user/bob/{name}/"
        return {name: HubServer(name, ready=True, pending="", image="", flavour="", url=url)}

    async def nothing(_: str) -> dict[str, HubServer]:
        return {}

    url = await viewed_by(BOB).run_doors.way_in(lab, run, servers)
    address, _, key = url.partition("?key=")
    assert address.endswith(f"/user/bob/run-{run.id}/door")
    assert tools.door_keys.hash_of(run.id) == digest(key)
    assert tools.door_keys.hash_of(run.id + 1) == ""
    for somebody in (ADA, ROOT):
        assert not viewed_by(somebody).run_doors.may(run)
        with pytest.raises(NotAllowed):
            await viewed_by(somebody).run_doors.way_in(lab, run, servers)
    with pytest.raises(SignInNeeded):
        await viewed_by(None).run_doors.way_in(lab, run, servers)
    doors = viewed_by(BOB).run_doors
    assert doors.may(run)
    with pytest.raises(NotToBeSeen):
        await doors.way_in(lab, run, nothing)
    now = tools.clock()
    over = replace(run, state=RunState.FAILED)
    for shut in (
        replace(run, state=RunState.QUEUED),
        replace(run, stop_at=now),
        replace(run, path="train.py"),
        over,
        replace(over, held_until=now - timedelta(seconds=1)),
        replace(over, held_until=now + timedelta(seconds=9), is_settled=True),
    ):
        assert not doors.may(shut)
        with pytest.raises(NotToBeSeen):
            await doors.way_in(lab, shut, servers)
    assert doors.may(replace(over, held_until=now + timedelta(seconds=9)))


def test_a_run_of_a_lab_in_the_trash_is_to_be_stopped_and_comes_back_with_it(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    order(viewed_by)
    assert tools.runs.of_trashed_labs() == ()
    viewed_by(ADA).labs.delete("ada", "digits")
    assert [run.number for run in tools.runs.of_trashed_labs()] == [1]
    with pytest.raises(NoLab):
        get(viewed_by, 1)
    viewed_by(ADA).trash.restore("ada", "digits")
    assert get(viewed_by, 1).number == 1


def test_a_run_that_is_held_is_let_go_when_its_lab_goes_to_the_trash(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    runner, run, _ = started(tools, order(viewed_by, hold=True))
    runner.end(run, RunState.FAILED, Reason("no"), holds=True)
    held = get(viewed_by, 1)
    assert held.is_held(tools.clock())
    viewed_by(ADA).labs.delete("ada", "digits")
    assert [one.number for one in tools.runs.of_trashed_labs()] == [1]
    assert tools.runs.order_stop(held, "", tools.clock())
    assert tools.runs.of_trashed_labs() == ()
    (let_go,) = tools.runs.unsettled()
    assert not let_go.is_held(tools.clock())
    # Its container hears of it with its next sign of life.
    assert runner.add(let_go, 1, []) == (1, True)


def test_a_run_that_is_held_is_let_go_when_it_is_deleted(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    runner, run, _ = started(tools, order(viewed_by, hold=True))
    runner.end(run, RunState.FAILED, Reason("no"), holds=True)
    viewed_by(BOB).runs.hide(lab, 1)
    (let_go,) = tools.runs.unsettled()
    assert not let_go.is_held(tools.clock())
    assert runner.add(let_go, 1, []) == (1, True)


def test_what_is_purged_leaves_neither_rows_nor_files(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    runner, run, _ = started(tools, order(viewed_by))
    runner.add(run, 1, [{"at": "x", "kind": "stdout", "text": "hi"}])
    put(runner, run, "a.bin", b"mine alone")
    put(runner, run, "b.bin", b"shared")
    runner.end(run, RunState.FINISHED, None)
    tools.runs.settle(run)
    other_runner, other, _ = started(tools, order(viewed_by))
    put(other_runner, other, "c.bin", b"shared")
    viewed_by(BOB).runs.hide(lab, 1)
    assert not run_upkeep.tend(tools, unused=-1)
    late = tools.clock() + timedelta(days=tools.settings.limits.trash_days, seconds=1)
    later = replace(tools, clock=lambda: late)
    tended = run_upkeep.tend(later, unused=-1)
    assert (tended.purged, tended.blobs) == (1, 1)
    assert tools.runs.get(run.id) is None
    assert list(tools.events.ids()) == []
    shared = viewed_by(None).runs
    assert b"".join(shared.content(shared.output(other, "c.bin"))) == b"shared"
    # The number of a run that is purged names no other.
    assert order(viewed_by).id > other.id


def test_a_content_that_is_lost_is_told_of(viewed_by: As, tools: Tools, lab: Lab) -> None:
    runner, run, _ = started(tools, order(viewed_by))
    put(runner, run, "a.bin", b"1")
    put(runner, run, "b.bin", b"22")
    with runner.writer() as writer:
        writer.write(b"{}")
        runner.keep_notebook(run, writer, "")
    assert run_upkeep.missing(tools) == (3, [])
    tools.blobs.remove(viewed_by(None).runs.output(run, "b.bin").sha256)
    ended = get(viewed_by, 1)
    (tools.settings.data / "blobs" / ended.notebook[:2] / ended.notebook[2:]).write_bytes(b"{")
    assert run_upkeep.missing(tools) == (3, ["ada/digits#1: b.bin", "ada/digits#1: main.ipynb"])


def test_a_purged_lab_takes_its_runs_along(viewed_by: As, tools: Tools, lab: Lab) -> None:
    runner, run, _ = started(tools, order(viewed_by))
    put(runner, run, "a.bin", b"1")
    runner.add(run, 1, [{"at": "x", "kind": "stdout", "text": "hi"}])
    viewed_by(ADA).labs.delete("ada", "digits")
    late = tools.clock() + timedelta(days=tools.settings.limits.trash_days, seconds=1)
    trash.empty(replace(tools, clock=lambda: late))
    assert tools.runs.get(run.id) is None
    with pytest.raises(BadRunToken):
        runner.run_of(run.id, "x")
    tended = run_upkeep.tend(tools, unused=-1)
    assert (tended.logs, tended.blobs) == (1, 1)


def test_who_leaves_leaves_runs_that_stop_and_that_no_other_gets(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    order(viewed_by)
    viewed_by(ROOT).people.remove("bob", LabsOfLeaver.KEEP)
    found = get(viewed_by, 1, ADA)
    assert (found.person, found.stop_by) == ("bob (left)", "")
    assert found.stop_at is not None
    with pytest.raises(NotAllowed):
        viewed_by(BOB).runs.change(lab, 1, name="Mine?")
