"""What a site needs of the engine while it runs: network and packet filter, kept in place."""

import asyncio
import logging
from typing import Final

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.network import FilterReport, apply_filter, ensure_network

log = logging.getLogger("machinelabs.up")

EVERY_SECONDS: Final = 60
SOON_SECONDS: Final = 3


async def keep_network(settings: Settings, *, is_there: bool) -> None:
    """Make the network once the engine answers, and put the filter back if others took it away."""
    said = ""
    while True:
        await asyncio.sleep(EVERY_SECONDS if is_there else SOON_SECONDS)
        try:
            report = await asyncio.to_thread(_make, settings)
        except MachineLabsError as error:
            is_there, sentence = False, str(error)
        else:
            is_there, sentence = True, report.sentence
        if sentence != said:
            log.info(sentence)
            said = sentence


def _make(settings: Settings) -> FilterReport:
    ensure_network(settings)
    return apply_filter(settings)
