"""What runs do on their GPUs, asked of the sampler while such runs go on.

Their containers are told it with each answer and put it among what they say that they use: so it
is in the run's log, as processor and memory are, and stays there when the sampler has forgotten it.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from fastapi.concurrency import run_in_threadpool

from machinelabs_hub import tickets
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.gpu.model import Holder
from machinelabs_hub.gpu.own import CardUse, own, uses
from machinelabs_hub.gpu.sampling import SamplerAway
from machinelabs_hub.labs.models.gpus import GpuUse
from machinelabs_hub.labs.services.bells import ALL
from machinelabs_hub.labs.services.tools import Tools

log = logging.getLogger("machinelabs.runs")

LOOK_SECONDS: Final = 2.0
REST_SECONDS: Final = 30.0


def look(tools: Tools) -> dict[int, GpuUse]:
    """Return what the runs that hold GPUs now do on them, by their ids."""
    held = tools.run_peaks.holding()
    if not held or not tools.settings.gpus.source.is_measured:
        return {}
    try:
        sample = tools.sampler.sample()
    except SamplerAway:
        # What was known is old by now: nothing is told until it is back.
        return {}
    found = {}
    for run, person in held:
        mine = own(tools.sessions, Holder(person, tickets.server_of(run)))
        told = together(uses(mine, sample)) if mine is not None and mine.container else None
        if told is not None:
            found[run] = told
    return found


def together(cards: Mapping[str, CardUse]) -> GpuUse | None:
    """Return the use of several cards as one; None: nothing is known of any."""
    percents = [use.sm_percent for use in cards.values() if use.sm_percent is not None]
    memory = [use.memory_mib for use in cards.values() if use.memory_mib is not None]
    if not percents and not memory:
        return None
    mean = round(sum(percents) / len(percents)) if percents else None
    return GpuUse(mean, sum(memory) if memory else None)


async def keep_looking(tools: Tools) -> None:
    """Look, for ever; seldom while no run holds a GPU."""
    with tools.bells.listen(ALL) as bell:
        while True:
            try:
                found = await run_in_threadpool(look, tools)
            except MachineLabsError as error:
                log.warning("what runs do on their GPUs was not looked at: %s", error)
                found = {}
            tools.gpu_uses.clear()
            tools.gpu_uses.update(found)
            if await run_in_threadpool(tools.run_peaks.holding):
                await asyncio.sleep(LOOK_SECONDS)
            else:
                await bell.wait(REST_SECONDS)
                await asyncio.sleep(LOOK_SECONDS / 10)
