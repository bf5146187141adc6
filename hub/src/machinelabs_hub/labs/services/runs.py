"""Runs of labs as people order, see, stop, rename and delete them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from machinelabs_hub.db.engine import RowClash
from machinelabs_hub.errors import Conflict, NotAllowed, NotFound
from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import Action, first_open, may
from machinelabs_hub.labs.models.dataset import Use
from machinelabs_hub.labs.models.inputs import RunFile, RunInput
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_path, read_place, write_place
from machinelabs_hub.labs.models.run import (
    Held,
    Reason,
    Run,
    RunChange,
    RunDraft,
    RunOutput,
    RunRights,
    RunState,
    Story,
)
from machinelabs_hub.labs.models.schedule import Turn
from machinelabs_hub.labs.services import run_orders
from machinelabs_hub.labs.services.datasets import file_at, version_at
from machinelabs_hub.labs.services.run_inputs import Sources, told
from machinelabs_hub.labs.services.run_orders import RunForm
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_at, lab_to, writer
from machinelabs_hub.labs.storage.run_events import EventReader
from machinelabs_hub.labs.storage.runs import NewRun, RunQuery
from machinelabs_hub.names import shown

LONGEST_NOTE: Final = 10_000
_LIST: Final = "runs"
_OUTPUTS: Final = "outputs"
_TRIES: Final = 5


class NoRun(NotFound):
    """The lab has no run of this number, or none that this person may see."""

    code = "no_run"


class NoOutput(NotFound):
    """The run put out no file of this path."""

    code = "no_output"


class RunGoesOn(Conflict):
    """The run is not over."""

    code = "run_goes_on"


class TooManyQueued(Conflict):
    """As many runs of this person wait as may."""

    code = "too_many_queued"


class RunService:
    """Runs, as `viewer` may order, see and change them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def check(self, lab: Lab, draft: RunDraft) -> None:
        """Refuse an order as `order` does, and order nothing."""
        lab = lab_to(Action.RUN, self._tools, self._viewer, lab.owner, lab.name)
        self.planned(lab, writer(self._viewer), draft)

    def order(self, lab: Lab, draft: RunDraft, turn: Turn | None = None) -> Run:
        """Order a run; it waits for its turn. `turn`: of the schedule that orders it.

        Raises:
            NoRevision: the lab has none of this number.
            NoEntrypoint: the revision has no such file, or none to begin with.
            NotRunnable: the file is neither a notebook nor a script.
            UnknownImage: the catalogue has none of this name.
            UnknownFlavour: nor such a size.
            BadParameter: the notebook does not take such a value.
            NoInput: another run's file, or a dataset, is not there, or not the viewer's to read.
            InputWrongHash: it is not what the lab's `ml.yaml` says.
            InputNotAllowed: the lab asks for what is on a host that the site does not allow.
            TooManyQueued: the viewer has as many waiting runs as anybody may.
            FlavourNotInPlan: the viewer's plan lacks the size.
            TooManyServers: their plan has no runs.
            HoursUsedUp: nothing is left of their hours.
            TurnTaken: the schedule's turn was taken already.
        """
        lab = lab_to(Action.RUN, self._tools, self._viewer, lab.owner, lab.name)
        person, tools = writer(self._viewer), self._tools
        most = tools.settings.runs.starts_per_hour
        tools.orders.take(person.name, f"You ordered {most} runs within an hour.")
        new = replace(self.planned(lab, person, draft), turn=turn)
        tools.people.seen(person, tools.clock())
        with tools.locks.hold(f"runs of {person.name}"):
            self.check_queued(person)
            made = self._added(lab, new)
        tools.bells.ring(made.id)
        return made

    def planned(self, lab: Lab, person: Person, draft: RunDraft) -> NewRun:
        """Return what an order comes to, or refuse it; `person`, the viewer, may run `lab`."""
        name = self._name(draft.name)
        note = words.check_text(draft.note, "note", LONGEST_NOTE)
        plan = run_orders.plan(self._tools, person, lab, draft, self._sources())
        return NewRun(
            person=person.name,
            revision=plan.revision,
            path=plan.path,
            image=plan.image,
            image_id=plan.image_id,
            flavour=plan.flavour,
            parameters=plan.parameters,
            inputs=plan.inputs,
            datasets=plan.datasets,
            name=name,
            note=note,
            hold=draft.hold and bool(self._tools.settings.runs.hold_minutes),
            at=self._tools.clock(),
        )

    def check_queued(self, person: Person, count: int = 1) -> None:
        """Refuse to let so many more runs of a person wait; whoever calls holds their lock."""
        most = self._tools.settings.runs.queued
        waiting = self._tools.runs.count_queued(person.name)
        if waiting + count <= most:
            return
        if count > 1:
            raise TooManyQueued(
                f"{waiting} runs of yours wait already, and at most {most} may: {count} more find "
                "no room. Stop some of them, or order these later."
            )
        raise TooManyQueued(
            f"{most} runs of yours wait already, the most that may. Stop some of them, or "
            "order this one later."
        )

    def form(self, lab: Lab, draft: RunDraft) -> RunForm:
        """Return what an order of a run begins with; of the draft, `revision` and `path` count."""
        return run_orders.prepare(self._tools, self._viewer, lab, draft)

    def list(
        self,
        lab: Lab,
        *,
        state: RunState | None = None,
        person: str = "",
        hidden: bool = False,
        cursor: str = "",
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Run]:
        """Return runs of `lab` that the viewer may see, the newest first, a page of them.

        `hidden` gives those instead that were deleted and that the viewer may restore.
        """
        query = RunQuery(
            first=first_open(self._viewer, lab),
            state=state,
            person=person,
            hidden_by=self._hidden_of(lab) if hidden else None,
            before=read_place(cursor, _LIST) if cursor else None,
            limit=limit + 1,
        )
        found = self._tools.runs.page(lab, query)
        items, more = found[:limit], len(found) > limit
        return Page(items, write_place(_LIST, items[-1].number) if more else None)

    def count(self, lab: Lab) -> int:
        """Count the runs of `lab` that the viewer may see in a list."""
        return self._tools.runs.count(lab, first=first_open(self._viewer, lab))

    def get(self, lab: Lab, number: int) -> Run:
        """Return a run of `lab`.

        Raises:
            NoRun: there is none, or none that the viewer may see.
        """
        found = self._tools.runs.find(lab, number) if number < 1 << 31 else None
        if found is None or not self._sees(lab, found):
            raise NoRun(f"{lab.path} has no run #{number}, or none that you may see.")
        return found

    def rights(self, lab: Lab, run: Run) -> RunRights:
        """Tell what the viewer may do with a run that they may see."""
        is_theirs = self._edits(lab, run)
        is_open = not run.state.is_final and run.stop_at is None
        is_open = is_open or run.is_held(self._tools.clock())
        return RunRights(stop=is_theirs and is_open, edit=is_theirs)

    def stories(self, runs: Iterable[Run]) -> dict[int, Story]:
        """Return what is told of each run besides its row, by its id."""
        ids = [run.id for run in runs]
        changes, held = self._tools.runs.changes(ids), self._tools.run_outputs.held_of(ids)
        return {one: Story(held[one], changes[one]) for one in ids}

    def waits(self, lab: Lab, run: Run) -> str:
        """Return a sentence on what a run waits for; empty where it does not, or is not theirs."""
        if not self._edits(lab, run):
            return ""
        if run.state is RunState.STARTING:
            return self._tools.runs.place_in_line(run)
        if run.state is not RunState.QUEUED:
            return ""
        if title := self._plan_without_runs(run):
            return (
                f"Your plan, “{title}”, allows no runs any more. It waits until it does: ask an "
                "admin of this site, or stop it."
            )
        before = self._tools.runs.count_before(run)
        if not before:
            return "It starts as soon as the hub takes it."
        many = "One earlier run" if before == 1 else f"{before} earlier runs"
        verb = "is" if before == 1 else "are"
        return f"{many} of {run.person} {verb} not over yet. The plan says how many go at once."

    def _plan_without_runs(self, run: Run) -> str:
        """Return the title of the viewer's plan if it lets none of their runs start, else empty."""
        viewer = self._viewer
        if viewer is None or viewer.name != run.person:
            return ""
        plan = self._tools.plan_of(viewer.plan_standing)
        return "" if plan.runs else plan.title

    def changes(self, run: Run) -> tuple[RunChange, ...]:
        """Return the changes of a run's state, the first first."""
        return self._tools.runs.changes((run.id,))[run.id]

    def held(self, run: Run) -> Held:
        """Return how much a run put out."""
        return self._tools.run_outputs.held_of((run.id,))[run.id]

    def inputs(self, run: Run) -> tuple[RunInput, ...]:
        """Return what a run takes in; who may not read a dataset learns nothing of its files."""
        found, sources = self._tools.run_inputs.all(run), self._sources()
        if self._viewer is not None and self._viewer.name == run.person:
            return found
        return tuple(told(one, sources) for one in found)

    def outputs(self, run: Run, *, cursor: str = "", limit: int = DEFAULT_LIMIT) -> Page[RunOutput]:
        """Return what a run put out, by path, a page of it."""
        after = read_path(cursor, _OUTPUTS) if cursor else ""
        found = self._tools.run_outputs.page(run, after=after, limit=limit + 1)
        items, more = found[:limit], len(found) > limit
        return Page(items, write_place(_OUTPUTS, items[-1].path) if more else None)

    def output(self, run: Run, path: str) -> RunOutput:
        """Return one file that a run put out.

        Raises:
            NoOutput: it put out none of this path.
        """
        found = self._tools.run_outputs.find(run, path)
        if found is None:
            raise NoOutput(f"{run.called} put out no file “{shown(path)}”.")
        return found

    def notebook(self, run: Run) -> RunOutput:
        """Return the executed notebook, as an output under its own path.

        Raises:
            NoOutput: there is none (yet).
        """
        if not run.notebook:
            raise NoOutput(
                f"{run.called} has no executed notebook{'' if run.ended_at else ' yet'}."
            )
        at = run.ended_at or self._tools.clock()
        return RunOutput(run.path, run.notebook_bytes, run.notebook, at)

    def content(
        self, output: RunOutput, *, start: int = 0, size: int | None = None
    ) -> Iterator[bytes]:
        """Return a file's bytes piece by piece, from `start` on; None is all of them."""
        size = output.size - start if size is None else size
        return self._tools.blobs.read(output.sha256, start=start, size=size)

    def log(self, run: Run, *, after: int = 0) -> EventReader:
        """Return what reads a run's log from the event after `after` on."""
        return self._tools.events.reader(run.id, after=after)

    def stop(self, lab: Lab, number: int) -> Run:
        """Order a run to stop; what it put out so far is kept. One that is over stays as it is."""
        run, tools = self._own(lab, number), self._tools
        by, now = writer(self._viewer).name, tools.clock()
        if tools.runs.order_stop(run, by, now) and run.state is RunState.QUEUED:
            tools.runs.end(run, RunState.STOPPED, Reason(f"{by} stopped it while it waited."), now)
        tools.bells.ring(run.id)
        return self.get(lab, number)

    def change(
        self, lab: Lab, number: int, *, name: str | None = None, note: str | None = None
    ) -> Run:
        """Give a run a name or a note; None leaves it as it is."""
        run = self._own(lab, number)
        name = name if name is None else self._name(name)
        note = note if note is None else words.check_text(note, "note", LONGEST_NOTE)
        self._tools.runs.change(run, name=name, note=note)
        return self.get(lab, number)

    def hide(self, lab: Lab, number: int) -> None:
        """Delete a run so that it can be restored for some days; one that is held is let go.

        Raises:
            RunGoesOn: it is not over.
        """
        run = self._own(lab, number)
        if not run.state.is_final:
            raise RunGoesOn(f"{run.called} goes on. Stop it first.")
        if run.hidden_at is None:
            by, now = writer(self._viewer).name, self._tools.clock()
            self._tools.runs.hide(run, now, by)
            self._tools.runs.order_stop(run, by, now)

    def restore(self, lab: Lab, number: int) -> Run:
        """Take a deletion back."""
        self._tools.runs.hide(self._own(lab, number), None)
        return self.get(lab, number)

    def datasets(self, run: Run) -> tuple[Use, ...]:
        """Return the versions of datasets that a run uses."""
        return self._tools.dataset_versions.uses(run)

    def _sources(self) -> Sources:
        seen = (self._tools, self._viewer)
        return Sources(self._file, partial(version_at, *seen), partial(file_at, *seen))

    def _file(self, file: RunFile) -> RunOutput:
        """Return a file of any run, as far as the viewer may see it."""
        lab = lab_at(self._tools, self._viewer, file.owner, file.lab)
        return self.output(self.get(lab, file.number), file.path)

    def _name(self, name: str) -> str:
        return " ".join(words.check_text(name, "name", words.LONGEST_TITLE).split())

    def _added(self, lab: Lab, new: NewRun) -> Run:
        for _ in range(_TRIES - 1):
            try:
                return self._tools.runs.add(lab, new)
            except RowClash:
                continue
        return self._tools.runs.add(lab, new)

    def _sees(self, lab: Lab, run: Run) -> bool:
        if run.revision < first_open(self._viewer, lab):
            return False
        return run.hidden_at is None or self._edits(lab, run)

    def _edits(self, lab: Lab, run: Run) -> bool:
        viewer = self._viewer
        if viewer is None or not viewer.may_write:
            return False
        return viewer.name == run.person or may(viewer, Action.DELETE, lab)

    def _own(self, lab: Lab, number: int) -> Run:
        """Return a run that the viewer may change.

        Raises:
            NotAllowed: it is another's, and so is the lab.
        """
        run = self.get(lab, number)
        writer(self._viewer)
        if not self._edits(lab, run):
            raise NotAllowed(
                f"{run.called} was started by {run.person}. Only they, an owner of {lab.path} and "
                "admins can do this."
            )
        return run

    def _hidden_of(self, lab: Lab) -> str:
        person = writer(self._viewer)
        return "" if may(person, Action.DELETE, lab) else person.name


def leave_runs(tools: Tools, name: str) -> None:
    """Stop the runs of a person whose account is deleted, and let no other have them."""
    now = tools.clock()
    for run in tools.runs.unsettled():
        if run.person == name and tools.runs.order_stop(run, "", now):
            tools.bells.ring(run.id)
    tools.runs.forget(name)
    tools.verifications.forget(name)
