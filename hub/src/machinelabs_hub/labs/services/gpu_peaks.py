"""The GPU memory that runs used at most, asked of the sampler once they are over."""

from datetime import timedelta
from typing import Final

from machinelabs_hub.gpu.sampling import SamplerAway
from machinelabs_hub.labs.services.tools import Tools

REMEMBERED: Final = timedelta(hours=2)
"""So long the sampler remembers what containers did; of a longer run its end counts."""


def measure(tools: Tools, asked: set[int]) -> None:
    """Keep what finished runs used; `asked` are those that were asked for, by their ids."""
    since = tools.clock() - REMEMBERED
    for run, container in tools.run_peaks.held_gpus(since):
        if run in asked:
            continue
        try:
            past = tools.sampler.container(container, seconds=int(REMEMBERED.total_seconds()))
        except SamplerAway:
            # It remembers when it is back, or it began anew and knows of nothing.
            return
        asked.add(run)
        most = max((point.memory_mib or 0 for point in past.points), default=0)
        if most:
            tools.run_peaks.raise_to(run, gpu_memory_mib=round(most))
