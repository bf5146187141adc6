"""Remove servers of runs that nobody looks after: their rows are gone, or say that they are over.

A database that was put back from a backup knows nothing of what began since; and a run whose
server was said to be gone may have one all the same.
"""

import asyncio
import logging
from typing import Final

from fastapi.concurrency import run_in_threadpool

from machinelabs_hub import tickets
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.hubapi import HubApi, HubAway
from machinelabs_hub.labs.services.tools import Tools

log = logging.getLogger("machinelabs.runs")

REST_SECONDS: Final = 300.0


async def sweep(tools: Tools, hub: HubApi) -> int:
    """Remove them once; return how many were told to go: one that will not is asked next time.

    Raises:
        HubAway: the Hub does not answer.
    """
    # The Hub first: each run has its row before its server.
    found = await hub.run_servers()
    open_runs = await run_in_threadpool(tools.runs.unsettled)
    ours = {(run.person, tickets.server_of(run.id)) for run in open_runs}
    strays = [one for one in found if one not in ours]
    told = 0
    for person, server in strays:
        log.warning("%s of %s is a run's server, and no run has it: it is removed", server, person)
        try:
            await hub.remove(person, server)
        except HubAway as error:
            log.warning("%s of %s was not removed: %s", server, person, error)
        else:
            told += 1
    return told


async def keep_sweeping(tools: Tools, hub: HubApi, *, rest: float = REST_SECONDS) -> None:
    """Go on until cancelled."""
    while True:
        try:
            await sweep(tools, hub)
        except HubAway:
            pass
        except MachineLabsError as error:
            log.warning("servers of runs were not looked through: %s", error)
        await asyncio.sleep(rest)
