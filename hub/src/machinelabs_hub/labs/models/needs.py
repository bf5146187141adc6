"""What a lab needs, measured by its last runs, and the smallest size that holds it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from machinelabs_hub.catalog.model import Flavour

MARGIN: Final = 1.25
"""So many times what was used at most has a size that holds it."""
BESIDES_MIB: Final = 128
"""And this much for what runs beside the code: JupyterLab, or the runner."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run used; 0: not known.

    Attributes:
        flavour: the size that it had.
    """

    flavour: str
    memory_mib: int
    gpu_memory_mib: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Needs:
    """What a lab needs: the most memory of some runs, and their usual time.

    Attributes:
        flavour: the size of the newest of them.
        gpu_memory_mib: 0: it had no GPU, or nobody looked.
        runs: how many were measured.
    """

    flavour: str
    memory_mib: int
    gpu_memory_mib: int
    seconds: float
    runs: int


def needs_of(measured: Sequence[Measured]) -> Needs | None:
    """Return what runs needed, the newest first; None: none was measured."""
    known = [one for one in measured if one.memory_mib]
    if not known:
        return None
    return Needs(
        flavour=known[0].flavour,
        memory_mib=max(one.memory_mib for one in known),
        gpu_memory_mib=max(one.gpu_memory_mib for one in known),
        seconds=median(one.seconds for one in known),
        runs=len(known),
    )


def smallest(flavours: Sequence[Flavour], needs: Needs) -> str:
    """Return the smallest of some sizes that holds what was needed; empty: none does.

    What ran with a GPU gets one: of a GPU whose memory nobody looked at, just the same size.
    """
    used = next((one for one in flavours if one.name == needs.flavour), None)
    if used is None or (used.gpu is not None and not needs.gpu_memory_mib):
        return used.name if used else ""
    memory = needs.memory_mib * MARGIN + BESIDES_MIB
    fit = [one for one in flavours if one.memory_mib >= memory and _has_gpu(one, used, needs)]
    fit.sort(key=lambda one: (one.gpu.memory_mib if one.gpu else 0, one.memory_mib, one.cpu))
    if fit:
        return fit[0].name
    # It came to its end there, be it narrowly.
    return used.name


def _has_gpu(one: Flavour, used: Flavour, needs: Needs) -> bool:
    if used.gpu is None or one.gpu is None:
        return used.gpu is one.gpu
    return one.gpu.count == used.gpu.count and one.gpu.memory_mib >= needs.gpu_memory_mib * MARGIN
