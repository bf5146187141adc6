"""The nightly sweep: verifies again, within a budget, what does not hold any more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from fastapi.concurrency import run_in_threadpool

from machinelabs_hub.errors import MachineLabsError, Unavailable
from machinelabs_hub.labs.hubapi import HubAway, PersonGone
from machinelabs_hub.labs.models.person import Person, Standing
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.models.verification import Verdict
from machinelabs_hub.labs.services.schedules import acting_as
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.verifier import proofs
from machinelabs_hub.labs.services.verify import VerifyService

log = logging.getLogger("machinelabs.runs")

LOOK_SECONDS: Final = 30.0
NIGHT: Final = timedelta(hours=6)
_HOUR: Final = 3600


class NightSweep:
    """Orders verifications as the site's own account, one after the other.

    Args:
        tools: their clock says when it is night.
        standing: asks the Hub what it knows of a person, as `HubApi.standing`.
    """

    def __init__(self, *, tools: Tools, standing: Callable[[str], Awaitable[Standing]]) -> None:
        self._tools = tools
        self._standing = standing

    async def run(self) -> None:
        """Go on until cancelled; without an account there is nothing to do."""
        while self._tools.settings.runs.verify.account:
            try:
                await self.look()
            except MachineLabsError as error:
                log.warning("the nightly sweep did not go on: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> Run | None:
        """Order the next verification if it is night and the one before is over."""
        wanted = self._tools.settings.runs.verify
        since = night_of(self._tools.clock(), wanted.hour)
        if since is None:
            return None
        try:
            standing = await self._standing(wanted.account)
        except HubAway:
            return None
        except PersonGone:
            log.warning("the nightly sweep has no account: nobody is called %s", wanted.account)
            return None
        person = acting_as(wanted.account, standing)
        return await run_in_threadpool(step, self._tools, person, since)


def night_of(now: datetime, hour: int) -> datetime | None:
    """Return when the night began that it is now; None: it is day."""
    began = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if began > now:
        began -= timedelta(days=1)
    return began if now - began < NIGHT else None


def step(tools: Tools, person: Person, since: datetime) -> Run | None:
    """Verify the lab again that waits longest for it, once a night each; None: none is due.

    Of what `person` may run, as anybody may who was told of it: a private lab is never theirs.
    """
    tonight = tools.verifications.of_person(person.name, since=since)
    if any(one.verdict is Verdict.PENDING for one in tonight):
        return None
    sizes = {size.name: size.cpu for size in tools.catalog().flavours}
    spent = 0.0
    for one in tonight:
        run = None if one.run_id is None else tools.runs.get(one.run_id)
        if run is not None and run.running_at is not None and run.ended_at is not None:
            spent += (run.ended_at - run.running_at).total_seconds() * sizes.get(run.flavour, 1)
    if spent >= tools.settings.runs.verify.cpu_hours * _HOUR:
        return None
    tried = {one.lab_id for one in tonight}
    for proof, changed in chain.from_iterable(proofs(tools)):
        if proof.lab_id in tried or not changed:
            continue
        lab = tools.verifications.lab_of(proof)
        if lab is None:
            continue
        try:
            run, _ = VerifyService(tools=tools, viewer=person).order(lab)
        except Unavailable:
            raise
        except MachineLabsError as error:
            log.info("the nightly sweep leaves %s out: %s", lab.path, error)
            continue
        log.info("run %d verifies %s again", run.id, lab.path)
        return run
    return None
