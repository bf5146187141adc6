"""Sweeps: several runs of a lab ordered together, one for each combination of values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from machinelabs_hub.db.engine import RowClash
from machinelabs_hub.errors import NotFound
from machinelabs_hub.labs.models.access import Action, first_open
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, Page
from machinelabs_hub.labs.models.parameters import values_of
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_place, write_place
from machinelabs_hub.labs.models.run import Run, RunDraft, RunKind, RunState, kind_of
from machinelabs_hub.labs.models.sweep import (
    Grid,
    Sweep,
    check_different,
    check_grid,
    combinations,
)
from machinelabs_hub.labs.services.run_orders import RunForm
from machinelabs_hub.labs.services.runs import RunService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_to, writer
from machinelabs_hub.labs.storage.runs import NewRun, RunQuery

_LIST: Final = "sweeps"
_MOST_RUNS: Final = 1000
_TRIES: Final = 5


class NoSweep(NotFound):
    """The lab has no sweep of this number, or none that this person may see."""

    code = "no_sweep"


@dataclass(frozen=True, slots=True)
class SweepRun:
    """A run of a sweep, and the last value of each metric (None: no finite number)."""

    run: Run
    metrics: Mapping[str, float | None]


class SweepService:
    """Sweeps, as `viewer` may order, see and stop them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer
        self._runs = RunService(tools=tools, viewer=viewer)

    def order(self, lab: Lab, draft: RunDraft, grid: Grid) -> Sweep:
        """Order a run for each combination of the grid's values: all of them, or none.

        Args:
            lab: whose revision is to run.
            draft: what all of them have in common.
            grid: the values of each parameter that has several; text is read as its kind.

        Raises:
            BadSweep: the grid makes no runs, or too many.
            BadParameter: one of the values is none of its parameter's.
            TooManyQueued: so many more runs find no room among those that wait.
            MachineLabsError: as for one run.
        """
        lab = lab_to(Action.RUN, self._tools, self._viewer, lab.owner, lab.name)
        person, tools = writer(self._viewer), self._tools
        limits = tools.settings.runs
        check_grid(grid, draft.parameters, min(limits.sweep_runs, limits.starts_per_hour))
        form = self._runs.form(lab, draft)
        draft = replace(draft, revision=form.revision, path=form.path)
        given = [_values(form, draft, one) for one in combinations(grid)]
        read = {name: _read(form, name, values) for name, values in grid.items()}
        check_different(read)
        tools.orders.take(
            person.name,
            f"With these {len(given)} you would order more than {limits.starts_per_hour} runs "
            "within an hour.",
            count=len(given),
        )
        first = self._runs.planned(lab, person, replace(draft, parameters=given[0]))
        tools.people.seen(person, tools.clock())
        with tools.locks.hold(f"runs of {person.name}"):
            self._runs.check_queued(person, len(given))
            made, ids = self._added(lab, [replace(first, parameters=one) for one in given], read)
        for run in ids:
            tools.bells.ring(run)
        return made

    def list(self, lab: Lab, *, cursor: str = "", limit: int = DEFAULT_LIMIT) -> Page[Sweep]:
        """Return the sweeps of `lab` that the viewer may see, the newest first, a page of them."""
        found = self._tools.sweeps.page(
            lab,
            first=first_open(self._viewer, lab),
            before=read_place(cursor, _LIST) if cursor else None,
            limit=limit + 1,
        )
        items, more = found[:limit], len(found) > limit
        return Page(items, write_place(_LIST, items[-1].number) if more else None)

    def get(self, lab: Lab, number: int) -> Sweep:
        """Return a sweep of `lab`.

        Raises:
            NoSweep: there is none, or none that the viewer may see.
        """
        found = self._tools.sweeps.find(lab, number) if number < 1 << 31 else None
        if found is None or found.revision < first_open(self._viewer, lab):
            raise NoSweep(f"{lab.path} has no sweep {number}, or none that you may see.")
        return found

    def runs(self, lab: Lab, sweep: Sweep) -> tuple[SweepRun, ...]:
        """Return the runs of a sweep without deleted ones, the first first."""
        query = RunQuery(sweep=sweep.id, limit=_MOST_RUNS)
        found = self._tools.runs.page(lab, query)[::-1]
        last = self._tools.tracks.last([run.id for run in found])
        return tuple(SweepRun(run, last[run.id]) for run in found)

    def states(self, sweeps: Sequence[Sweep]) -> dict[int, dict[RunState, int]]:
        """Return how many runs of each sweep are in which state, by its id."""
        found = self._tools.sweeps.states(sweeps)
        return {
            one: {state: counts[state] for state in RunState if state in counts}
            for one, counts in found.items()
        }

    def of(self, run: Run) -> int | None:
        """Return the number of the sweep that a run is of, or None."""
        return self._tools.sweeps.of(run)

    def may_stop(self, lab: Lab, runs: Sequence[SweepRun]) -> bool:
        """Tell whether there is a run that the viewer may stop now."""
        return any(self._runs.rights(lab, one.run).stop for one in runs)

    def stop(self, lab: Lab, number: int) -> Sweep:
        """Order all runs of a sweep to stop that are not over; what they put out is kept.

        Raises:
            NotAllowed: they are another's, and so is the lab.
        """
        sweep = self.get(lab, number)
        writer(self._viewer)
        runs = self.runs(lab, sweep)
        # Where nothing goes on any more, to stop the first changes nothing and asks who may.
        some = [one for one in runs if not one.run.state.is_final] or runs[:1]
        # The last ones first: the place of one that stops is not for the next of them.
        for one in reversed(some):
            self._runs.stop(lab, one.run.number)
        return sweep

    def _added(self, lab: Lab, runs: Sequence[NewRun], grid: Grid) -> tuple[Sweep, tuple[int, ...]]:
        first = runs[0]
        add = partial(self._tools.sweeps.add, lab, runs, grid=grid, name=first.name, at=first.at)
        for _ in range(_TRIES - 1):
            try:
                return add()
            except RowClash:
                continue
        return add()


def _values(form: RunForm, draft: RunDraft, some: Mapping[str, Any]) -> dict[str, Any]:
    is_script = kind_of(form.path) is RunKind.SCRIPT
    return values_of(form.parameters, {**draft.parameters, **some}, script=is_script)


def _read(form: RunForm, name: str, values: Sequence[Any]) -> list[Any]:
    """Return the values of a parameter, each as its kind."""
    is_script = kind_of(form.path) is RunKind.SCRIPT
    return [values_of(form.parameters, {name: one}, script=is_script)[name] for one in values]
