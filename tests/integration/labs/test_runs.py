"""Runs as people order, see and stop them, and as their containers tell of them."""

from dataclasses import replace
from typing import Any

import pytest
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, BOB, ROOT, publish
from tests.support.content import cell, notebook, tar_of

from machinelabs_hub.catalog.model import UnknownFlavour, UnknownImage
from machinelabs_hub.db.tables.gpus import WaitRow
from machinelabs_hub.errors import MachineLabsError, NotAllowed
from machinelabs_hub.gpu_settings import GroupPlan, Plan, Plans
from machinelabs_hub.labs.models.lab import Lab, LabChange, Visibility
from machinelabs_hub.labs.models.parameters import BadParameter
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import Reason, Run, RunDraft, RunKind, RunState
from machinelabs_hub.labs.services.rates import Rate, TooMany
from machinelabs_hub.labs.services.revisions import NoRevision
from machinelabs_hub.labs.services.run_orders import NoEntrypoint, NotRunnable
from machinelabs_hub.labs.services.runner import (
    RunnerService,
    digest,
)
from machinelabs_hub.labs.services.runs import NoRun, RunGoesOn, TooManyQueued
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab, SignInNeeded, TokenTooNarrow
from machinelabs_hub.plans.policy import FlavourNotInPlan, HoursUsedUp, TooManyServers

EVE = Person("eve", "Eve")
TAGGED = {
    **cell("code", "epochs = 2\nrate: float = 0.1", "p"),
    "metadata": {"tags": ["parameters"]},
}
FILES = {
    "main.ipynb": notebook([TAGGED, cell("code", "print(epochs)", "c")]),
    "train.py": b"print('hello')\n",
    "README.md": b"# Digits\n",
}
CODE = "a code of the test"
TOKEN = "a token that the container chose, of 43 letters"


def order(viewed_by: As, person: Person | None = BOB, **draft: Any) -> Run:
    ctx = viewed_by(person)
    return ctx.runs.order(ctx.labs.get("ada", "digits"), RunDraft(**draft))


def get(viewed_by: As, number: int, person: Person | None = BOB) -> Run:
    ctx = viewed_by(person)
    return ctx.runs.get(ctx.labs.get("ada", "digits"), number)


def started(tools: Tools, run: Run) -> tuple[RunnerService, Run, str]:
    """Do what the conductor and the container do until it runs."""
    runner = RunnerService(tools=tools)
    assert tools.runs.set_code(run, digest(CODE))
    assert tools.runs.start(run, tools.clock())
    runner.exchange(run.id, CODE, TOKEN)
    return runner, runner.run_of(run.id, TOKEN), TOKEN


def put(runner: RunnerService, run: Run, path: str, content: bytes) -> None:
    runner.room(run, path, len(content))
    with runner.writer() as writer:
        writer.write(content)
        runner.keep(run, path, writer, "")


@pytest.fixture
def lab(viewed_by: As) -> Lab:
    return publish(viewed_by, files=FILES)


def test_an_order_takes_from_the_lab_what_it_leaves_open(viewed_by: As, lab: Lab) -> None:
    run = order(viewed_by, name="  first   try ", note="Why *not*")
    assert (run.number, run.person, run.state) == (1, "bob", RunState.QUEUED)
    assert (run.revision, run.path, run.kind) == (1, "main.ipynb", RunKind.NOTEBOOK)
    assert (run.image, run.flavour, run.parameters) == ("datascience", "cpu-small", {})
    assert (run.name, run.note, run.lab, run.called) == (
        "first try", "Why *not*", "ada/digits", "ada/digits#1",
    )  # fmt: skip
    assert get(viewed_by, 1, None) == run
    viewed_by(ADA).labs.change("ada", "digits", LabChange(image="base", flavour="cpu-medium"))
    second = order(viewed_by, path="train.py", parameters={"x": "1"})
    assert (second.number, second.kind) == (2, RunKind.SCRIPT)
    assert (second.image, second.flavour) == ("base", "cpu-medium")
    third = order(viewed_by, image="datascience", flavour="cpu-small", parameters={"epochs": "7"})
    assert (third.image, third.flavour, third.parameters) == (
        "datascience",
        "cpu-small",
        {"epochs": 7},
    )
    states = viewed_by(None).runs.changes(run)
    assert [change.state for change in states] == [RunState.QUEUED]


def test_a_form_says_what_can_be_chosen(viewed_by: As, lab: Lab) -> None:
    form = viewed_by(None).runs.form(lab, RunDraft())
    assert (form.revision, form.path) == (1, "main.ipynb")
    assert form.files == ("main.ipynb", "train.py")
    assert [(one.name, one.default) for one in form.parameters] == [("epochs", 2), ("rate", 0.1)]


def test_a_run_of_an_earlier_revision_has_its_entry_point(viewed_by: As, lab: Lab) -> None:
    files = {"other.py": b"1\n", "ml.yaml": b"entrypoint: other.py\nimage: base\n"}
    viewed_by(ADA).revisions.publish("ada", "digits", base=None, message="", files=tar_of(files))
    assert order(viewed_by).path == "other.py"
    assert order(viewed_by, revision=1).path == "main.ipynb"
    with pytest.raises(NoEntrypoint):
        order(viewed_by, path="main.ipynb")


@pytest.mark.parametrize(
    ("draft", "kind", "said"),
    [
        ({"revision": 9}, NoRevision, "no r9"),
        ({"path": "no.ipynb"}, NoEntrypoint, "no file “no.ipynb” in r1"),
        ({"path": "README.md"}, NotRunnable, "README.md"),
        ({"image": "vista"}, UnknownImage, "vista"),
        ({"flavour": "huge"}, UnknownFlavour, "huge"),
        ({"parameters": {"epochs": "many"}}, BadParameter, "epochs"),
        ({"parameters": {"epoch": 1}}, BadParameter, "epochs, rate"),
        ({"name": "\0"}, MachineLabsError, "name"),
        ({"note": "x" * 10_001}, MachineLabsError, "note"),
    ],
)
def test_an_order_that_cannot_be_is_refused_and_leaves_nothing(
    viewed_by: As, lab: Lab, draft: dict[str, Any], kind: type[MachineLabsError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        order(viewed_by, **draft)
    assert viewed_by(BOB).runs.list(lab).items == ()


def test_a_lab_without_a_notebook_or_script_has_nothing_to_run(viewed_by: As) -> None:
    publish(viewed_by, files={"README.md": b"# Hi"})
    with pytest.raises(NoEntrypoint, match="nothing to run"):
        order(viewed_by)


def test_who_may_not_is_told_so(viewed_by: As, lab: Lab) -> None:
    with pytest.raises(SignInNeeded):
        order(viewed_by, None)
    with pytest.raises(TokenTooNarrow):
        order(viewed_by, replace(BOB, may_write=False))
    viewed_by(ADA).labs.change("ada", "digits", LabChange(visibility=Visibility.PRIVATE))
    with pytest.raises(NoLab):
        order(viewed_by)
    assert order(viewed_by, ADA).number == 1


def test_a_plan_says_what_may_be_run(viewed_by: As, tools: Tools, lab: Lab) -> None:
    table = (
        Plan(name="member", title="Member", flavours=("cpu-small",)),
        Plan(name="none", title="None", runs=0),
        Plan(name="broke", title="Broke", cpu_hours=0),
        Plan(name="admin", title="Admin"),
    )
    groups = tuple(GroupPlan(group=name, plan=name) for name in ("none", "broke"))
    plans = Plans(table=table, default="member", groups=groups)
    planned = replace(tools, settings=tools.settings.model_copy(update={"plans": plans}))

    def try_as(person: Person, **draft: Any) -> Run:
        ctx = replace(viewed_by(person), tools=planned)
        return ctx.runs.order(lab, RunDraft(**draft))

    with pytest.raises(FlavourNotInPlan):
        try_as(BOB, flavour="cpu-medium")
    with pytest.raises(TooManyServers, match="no runs"):
        try_as(replace(BOB, groups=("none",)))
    with pytest.raises(HoursUsedUp):
        try_as(replace(BOB, groups=("broke",)))
    assert try_as(BOB).number == 1
    assert try_as(ROOT, flavour="cpu-medium").number == 2


def test_only_so_many_may_wait(viewed_by: As, tools: Tools, lab: Lab) -> None:
    runs = tools.settings.runs.model_copy(update={"queued": 2})
    few = replace(tools, settings=tools.settings.model_copy(update={"runs": runs}))
    for _ in range(2):
        replace(viewed_by(BOB), tools=few).runs.order(lab, RunDraft())
    with pytest.raises(TooManyQueued, match="2 runs"):
        replace(viewed_by(BOB), tools=few).runs.order(lab, RunDraft())
    replace(viewed_by(EVE), tools=few).runs.order(lab, RunDraft())
    viewed_by(BOB).runs.stop(lab, 1)
    replace(viewed_by(BOB), tools=few).runs.order(lab, RunDraft())


def test_only_so_many_are_ordered_in_an_hour(viewed_by: As, tools: Tools, lab: Lab) -> None:
    rare = replace(tools, orders=Rate(count=1, seconds=3600))
    ctx = replace(viewed_by(BOB), tools=rare)
    ctx.runs.order(lab, RunDraft())
    with pytest.raises(TooMany):
        ctx.runs.order(lab, RunDraft())


def test_runs_are_listed_the_newest_first_in_pages(viewed_by: As, lab: Lab) -> None:
    for person in (BOB, EVE, BOB, BOB):
        order(viewed_by, person)
    runs = viewed_by(None).runs
    first = runs.list(lab, limit=3)
    assert [run.number for run in first.items] == [4, 3, 2]
    assert first.next is not None
    rest = runs.list(lab, limit=3, cursor=first.next)
    assert ([run.number for run in rest.items], rest.next) == ([1], None)
    assert runs.count(lab) == 4
    assert [run.number for run in runs.list(lab, person="eve").items] == [2]
    viewed_by(BOB).runs.stop(lab, 1)
    assert [run.number for run in runs.list(lab, state=RunState.STOPPED).items] == [1]


def test_a_run_is_as_private_as_its_lab_and_its_revision(viewed_by: As) -> None:
    lab = publish(viewed_by, files=FILES, visibility=Visibility.PRIVATE)
    order(viewed_by, ADA)
    with pytest.raises(NoLab):
        get(viewed_by, 1)
    viewed_by(ADA).revisions.publish(
        "ada", "digits", base=None, message="", files=tar_of({**FILES, "b.txt": b"2"})
    )
    viewed_by(ADA).labs.change("ada", "digits", LabChange(visibility=Visibility.PUBLIC))
    order(viewed_by, ADA)
    # r1 is from before it was opened, and so are its runs, which show what it was.
    with pytest.raises(NoRun):
        get(viewed_by, 1)
    lab = viewed_by(BOB).labs.get("ada", "digits")
    assert [run.number for run in viewed_by(BOB).runs.list(lab).items] == [2]
    assert [run.number for run in viewed_by(ADA).runs.list(lab).items] == [2, 1]
    assert get(viewed_by, 1, ADA).revision == 1


def test_only_who_started_it_owners_and_admins_may_change_a_run(viewed_by: As, lab: Lab) -> None:
    order(viewed_by)
    with pytest.raises(SignInNeeded):
        viewed_by(None).runs.stop(lab, 1)
    for act in ("stop", "hide", "restore", "change"):
        with pytest.raises(NotAllowed, match="started by bob"):
            getattr(viewed_by(EVE).runs, act)(lab, 1)
    rights = [viewed_by(who).runs.rights(lab, get(viewed_by, 1)) for who in (None, EVE, BOB, ADA)]
    assert [(one.stop, one.edit) for one in rights] == [
        (False, False), (False, False), (True, True), (True, True),
    ]  # fmt: skip
    assert viewed_by(ADA).runs.change(lab, 1, name="Ada's").name == "Ada's"
    assert viewed_by(ROOT).runs.change(lab, 1, note="Hm").note == "Hm"
    assert get(viewed_by, 1).name == "Ada's"


def test_ones_own_runs_are_seen_and_stopped_also_where_the_lab_is_closed_now(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    first, second = order(viewed_by), order(viewed_by)
    order(viewed_by, EVE)
    started(tools, first)
    viewed_by(ADA).labs.change("ada", "digits", LabChange(visibility=Visibility.PRIVATE))
    with pytest.raises(NoLab):
        get(viewed_by, 1)
    mine = viewed_by(BOB).own_runs
    found = mine.list()
    assert [(own.run.id, own.is_open) for own in found.items] == [
        (second.id, False), (first.id, False),
    ]  # fmt: skip
    page = mine.list(limit=1)
    assert page.next is not None
    assert [own.run.id for own in mine.list(limit=1, cursor=page.next).items] == [first.id]
    assert mine.stop(second.id).run.state is RunState.STOPPED
    assert mine.stop(first.id).run.stop_by == "bob"
    assert [own.run.id for own in mine.list(is_over=True).items] == [second.id]
    assert [own.run.id for own in mine.list(is_over=False).items] == [first.id]
    for person in (EVE, ADA):
        with pytest.raises(NoRun):
            viewed_by(person).own_runs.stop(first.id)
    with pytest.raises(SignInNeeded):
        viewed_by(None).own_runs.list()


def test_a_run_that_waits_says_for_what_to_who_may_stop_it(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    first, second, third = (order(viewed_by) for _ in range(3))
    order(viewed_by, EVE)
    says = viewed_by(BOB).runs.waits
    assert says(lab, first) == "It starts as soon as the hub takes it."
    assert says(lab, second).startswith("One earlier run of bob is not over")
    assert says(lab, third).startswith("2 earlier runs of bob are not over")
    assert viewed_by(EVE).runs.waits(lab, third) == ""
    assert viewed_by(ADA).runs.waits(lab, third) != ""
    tools.runs.set_code(first, digest(CODE))
    tools.runs.start(first, tools.clock())
    starting = get(viewed_by, 1)
    assert says(lab, starting) == ""
    with tools.sessions() as db:
        db.add(
            WaitRow(
                user="bob", server=f"run-{first.id}", flavour="gpu-small", options={}, groups=[],
                weight=1.0, since=tools.clock(), why="2 are before it.",
            )
        )  # fmt: skip
    assert says(lab, starting) == "2 are before it."


def test_a_run_that_waits_says_that_the_plan_has_no_runs_any_more(
    viewed_by: As, tools: Tools, lab: Lab
) -> None:
    waiting = order(viewed_by)
    table = (Plan(name="none", title="Guest", runs=0), Plan(name="admin", title="Admin"))
    plans = Plans(table=table, default="none", groups=())
    planned = replace(tools, settings=tools.settings.model_copy(update={"plans": plans}))
    says = replace(viewed_by(BOB), tools=planned).runs.waits(lab, waiting)
    assert says.startswith("Your plan, “Guest”, allows no runs any more.")
    # Of another's plan an owner is told nothing.
    assert "plan, “" not in replace(viewed_by(ADA), tools=planned).runs.waits(lab, waiting)


def test_a_waiting_run_that_is_stopped_is_over_at_once(viewed_by: As, lab: Lab) -> None:
    order(viewed_by)
    stopped = viewed_by(ADA).runs.stop(lab, 1)
    assert (stopped.state, stopped.stop_by, stopped.is_settled) == (RunState.STOPPED, "ada", True)
    assert stopped.reason == Reason("ada stopped it while it waited.")
    assert viewed_by(BOB).runs.stop(lab, 1) == stopped
    states = [change.state for change in viewed_by(None).runs.changes(stopped)]
    assert states == [RunState.QUEUED, RunState.STOPPED]


def test_a_deleted_run_can_be_restored(viewed_by: As, lab: Lab) -> None:
    order(viewed_by)
    with pytest.raises(RunGoesOn):
        viewed_by(BOB).runs.hide(lab, 1)
    viewed_by(BOB).runs.stop(lab, 1)
    viewed_by(BOB).runs.hide(lab, 1)
    with pytest.raises(NoRun):
        get(viewed_by, 1, EVE)
    assert viewed_by(BOB).runs.list(lab).items == ()
    for person, numbers in ((BOB, [1]), (ADA, [1]), (EVE, [])):
        found = viewed_by(person).runs.list(lab, hidden=True).items
        assert [run.number for run in found] == numbers
    with pytest.raises(SignInNeeded):
        viewed_by(None).runs.list(lab, hidden=True)
    assert viewed_by(BOB).runs.restore(lab, 1).hidden_at is None
    assert get(viewed_by, 1, EVE).number == 1
