"""Schedules of labs as people make, see, pause and delete them."""

from contextlib import suppress
from dataclasses import replace
from typing import Final

from machinelabs_hub.errors import Conflict, NotAllowed, NotFound
from machinelabs_hub.labs.models.access import Action, may
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, Page
from machinelabs_hub.labs.models.person import Person, Standing
from machinelabs_hub.labs.models.place import read_place, write_place
from machinelabs_hub.labs.models.run import RunDraft
from machinelabs_hub.labs.models.schedule import Schedule, ScheduleRights, Times
from machinelabs_hub.labs.services.runs import RunService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import writer
from machinelabs_hub.labs.storage.schedules import TurnTaken
from machinelabs_hub.plans.policy import HoursUsedUp

_LIST: Final = "schedules"


class NoSchedule(NotFound):
    """The lab has no such schedule, or none that this person may see."""

    code = "no_schedule"


class TooManySchedules(Conflict):
    """This person has as many schedules as anybody may."""

    code = "too_many_schedules"


class ScheduleService:
    """Schedules, as `viewer` may make, see and change them.

    People see their own; owners of a lab and admins see all of it.
    """

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def add(self, lab: Lab, cron: str, zone: str, draft: RunDraft) -> Schedule:
        """Order a run of `lab` again and again from now on, as the viewer.

        Raises:
            BadCron: the line means no times.
            BadZone: there is no such zone.
            TooManySchedules: the viewer has as many as anybody may.
        Besides all that `RunService.order` raises, but for hours that are used up: they come back.
        """
        person, tools = acting(writer(self._viewer)), self._tools
        times = Times.read(cron, zone)
        with suppress(HoursUsedUp):
            RunService(tools=tools, viewer=person).check(lab, draft)
        with tools.locks.hold(f"schedules of {person.name}"):
            most = tools.settings.runs.schedules
            if tools.schedules.count_of(person.name) >= most:
                raise TooManySchedules(
                    f"You have {most} schedules, the most that anybody may. Delete one that you "
                    "do not need."
                    if most
                    else "This site orders no runs on a schedule. Ask the people who run it."
                )
            return tools.schedules.add(lab, person.name, times, draft, at=tools.clock())

    def list(self, lab: Lab, *, cursor: str = "", limit: int = DEFAULT_LIMIT) -> Page[Schedule]:
        """Return the schedules of `lab` that the viewer may see, the last made first."""
        if self._viewer is None:
            return Page((), None)
        found = self._tools.schedules.page(
            lab,
            person="" if self._owns(lab) else self._viewer.name,
            before=read_place(cursor, _LIST) if cursor else None,
            limit=limit + 1,
        )
        items, more = found[:limit], len(found) > limit
        return Page(items, write_place(_LIST, items[-1].id) if more else None)

    def get(self, lab: Lab, number: int) -> Schedule:
        """Return a schedule of `lab`.

        Raises:
            NoSchedule: there is none, or none that the viewer may see.
        """
        found = self._tools.schedules.find(lab, number) if number < 1 << 31 else None
        viewer = self._viewer
        if found is None or viewer is None or not (found.person == viewer.name or self._owns(lab)):
            raise NoSchedule(f"{lab.path} has no schedule {number}, or none that you may see.")
        return found

    def rights(self, lab: Lab, schedule: Schedule) -> ScheduleRights:
        """Tell what the viewer may do with a schedule that they may see."""
        viewer = self._viewer
        writes = viewer is not None and viewer.may_write
        is_own = writes and viewer is not None and viewer.name == schedule.person
        ends = is_own or (writes and self._owns(lab))
        return ScheduleRights(
            pause=ends and not schedule.is_paused,
            resume=is_own and schedule.is_paused,
            remove=ends,
        )

    def pause(self, lab: Lab, number: int) -> Schedule:
        """Let a schedule order nothing until its person resumes it."""
        schedule, by = self.get(lab, number), writer(self._viewer).name
        self._tools.schedules.pause(schedule, by, "", None)
        return self.get(lab, number)

    def resume(self, lab: Lab, number: int) -> Schedule:
        """Let a paused schedule order again; what it left out meanwhile stays left out.

        Raises:
            NotAllowed: it orders in another's name.
        """
        schedule, person = self.get(lab, number), writer(self._viewer)
        if schedule.person != person.name:
            raise NotAllowed(
                f"This schedule orders in the name of {schedule.person}. Only they can resume it."
            )
        if schedule.is_paused:
            with suppress(HoursUsedUp):
                runs = RunService(tools=self._tools, viewer=acting(person))
                runs.check(lab, schedule.draft)
            next_at = schedule.times.after(self._tools.clock())[0]
            if not self._tools.schedules.resume(schedule, next_at):
                raise TurnTaken
        return self.get(lab, number)

    def remove(self, lab: Lab, number: int) -> None:
        """Delete a schedule; the runs that it ordered stay."""
        schedule = self.get(lab, number)
        writer(self._viewer)
        self._tools.schedules.remove(schedule)

    def _owns(self, lab: Lab) -> bool:
        return may(self._viewer, Action.DELETE, lab)


def acting(person: Person) -> Person:
    """Return who a schedule acts as: never as an admin, who is not there to see what it does."""
    return replace(person, admin=False, standing=person.plan_standing)


def acting_as(name: str, standing: Standing) -> Person:
    """Return who a schedule of the person called `name` acts as."""
    return acting(Person(name, name, standing.is_admin, standing.groups))
