"""A person's own runs, of whatever lab: they cost hours also where it cannot be read any more."""

from dataclasses import dataclass
from typing import Final

from machinelabs_hub.labs.models.access import Action, may
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_place, write_place
from machinelabs_hub.labs.models.run import Reason, Run, RunState
from machinelabs_hub.labs.services.runs import NoRun
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import signed_in, writer

_LIST: Final = "own-runs"


@dataclass(frozen=True, slots=True)
class OwnRun:
    """A run of the viewer's; `is_open` tells whether they may read its lab and so all of it."""

    run: Run
    is_open: bool


class OwnRunService:
    """Runs that `viewer` started."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def list(
        self, *, is_over: bool | None = None, cursor: str = "", limit: int = DEFAULT_LIMIT
    ) -> Page[OwnRun]:
        """Return the viewer's runs, the newest first, a page; None: those that are over too."""
        person = signed_in(self._viewer)
        before = read_place(cursor, _LIST) if cursor else None
        found = self._tools.runs.of_person(
            person.name, is_over=is_over, before=before, limit=limit + 1
        )
        items, more = found[:limit], len(found) > limit
        following = write_place(_LIST, items[-1].id) if more else None
        return Page(tuple(map(self._own, items)), following)

    def stop(self, run_id: int) -> OwnRun:
        """Order a run of the viewer's to stop; one that is over stays as it is.

        Raises:
            NoRun: the viewer started none of this id.
        """
        person, tools = writer(self._viewer), self._tools
        run, now = self._get(run_id), tools.clock()
        if tools.runs.order_stop(run, person.name, now) and run.state is RunState.QUEUED:
            reason = Reason(f"{person.name} stopped it while it waited.")
            tools.runs.end(run, RunState.STOPPED, reason, now)
        tools.bells.ring(run.id)
        return self._own(self._get(run_id))

    def _get(self, run_id: int) -> Run:
        found = self._tools.runs.get(run_id)
        if found is None or found.person != writer(self._viewer).name:
            raise NoRun("You started no run of this id.")
        return found

    def _own(self, run: Run) -> OwnRun:
        lab = self._tools.runs.lab_of(run)
        return OwnRun(run, lab is not None and may(self._viewer, Action.READ, lab))
