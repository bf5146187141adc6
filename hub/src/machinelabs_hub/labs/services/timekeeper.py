"""The timekeeper: orders the runs of schedules when their turn comes.

What it must not forget is in the rows: a turn is taken in the transaction that adds its run, so a
restart neither loses nor doubles one. Turns that passed while the service was away are one order.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from fastapi.concurrency import run_in_threadpool

from machinelabs_hub.errors import MachineLabsError, NotAllowed, NotFound, Unavailable
from machinelabs_hub.labs.hubapi import HubAway, PersonGone
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.person import Standing
from machinelabs_hub.labs.models.schedule import BadZone, Schedule, Turn
from machinelabs_hub.labs.services.runs import RunService
from machinelabs_hub.labs.services.schedules import acting_as
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_to
from machinelabs_hub.labs.storage.schedules import TurnTaken

log = logging.getLogger("machinelabs.runs")

LOOK_SECONDS: Final = 5.0
_AT_ONCE: Final = 100


class Timekeeper:
    """Takes the turns of all schedules of the site; there is one of it.

    Args:
        tools: their clock says what is due.
        standing: asks the Hub what it knows of a person, as `HubApi.standing`.
    """

    def __init__(self, *, tools: Tools, standing: Callable[[str], Awaitable[Standing]]) -> None:
        self._tools = tools
        self._standing = standing

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                await self.look()
            except MachineLabsError as error:
                log.warning("schedules were not looked after: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Take every turn that is due."""
        now = self._tools.clock()
        for schedule in await run_in_threadpool(self._tools.schedules.due, now, _AT_ONCE):
            try:
                standing = await self._standing(schedule.person)
            except HubAway:
                # Nobody can say what its person may: it stays due.
                return
            except PersonGone:
                why = f"The account of {schedule.person} was deleted."
                await run_in_threadpool(self._pause, schedule, why, now)
                continue
            await run_in_threadpool(self._take, schedule, standing, now)

    def _take(self, schedule: Schedule, standing: Standing, now: datetime) -> None:
        """Order a run as the person of a schedule, skip its turn, or pause it; it says why."""
        tools, person = self._tools, acting_as(schedule.person, standing)
        owner, _, name = schedule.lab.partition("/")
        try:
            turn = _turn(schedule, now)
            lab = lab_to(Action.RUN, tools, person, owner, name)
        except (BadZone, NotAllowed, NotFound) as error:
            self._pause(schedule, str(error), now)
            return
        before = tools.runs.find(lab, schedule.last_run) if schedule.last_run else None
        if before is not None and not before.state.is_final:
            why = f"Run #{before.number}, which it ordered before, was not over."
            tools.schedules.skip(turn, why)
            return
        try:
            made = RunService(tools=tools, viewer=person).order(lab, schedule.draft, turn)
        except TurnTaken:
            # It was paused or deleted while we looked.
            return
        except Unavailable:
            # The database or the disk: it stays due.
            raise
        except MachineLabsError as error:
            tools.schedules.skip(turn, str(error))
            log.info("schedule %d ordered nothing: %s", schedule.id, error)
        else:
            log.info("schedule %d ordered run %d", schedule.id, made.id)

    def _pause(self, schedule: Schedule, why: str, now: datetime) -> None:
        if self._tools.schedules.pause(schedule, "", why, now):
            log.info("schedule %d is paused: %s", schedule.id, why)


def _turn(schedule: Schedule, now: datetime) -> Turn:
    due = schedule.next_at or now
    return Turn(schedule.id, due_at=due, next_at=schedule.times.after(now)[0], at=now)
