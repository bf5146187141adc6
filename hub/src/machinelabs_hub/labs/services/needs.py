"""What labs need: noted while they run, told before they are run or opened again."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from machinelabs_hub.labs.models.access import first_open
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.needs import Needs, needs_of, smallest
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.plans.policy import allows

RUNS: Final = 5
"""So many of a lab's last runs are measured."""


def measured(tools: Tools, viewer: Person | None, lab: Lab) -> Needs | None:
    """Return what a lab needed in its last runs; None: nobody knows."""
    first = first_open(viewer, lab)
    return needs_of(tools.run_peaks.last(lab, first=first, limit=RUNS))


def size_for(tools: Tools, viewer: Person | None, lab: Lab) -> str:
    """Return the smallest size of the viewer's plan that holds what a lab needs.

    Empty: nobody knows what it needs, or their plan has none that holds it.
    """
    needs = measured(tools, viewer, lab)
    if needs is None:
        return ""
    found = smallest(tools.catalog().flavours, needs)
    if found and viewer is not None:
        return found if allows(tools.plan_of(viewer.plan_standing), found) else ""
    return found


def note(tools: Tools, run_id: int, events: Iterable[Mapping[str, Any]]) -> None:
    """Keep what a part of a run's log says that it used, if it is the most until now."""
    used = [event for event in events if event["kind"] == "usage"]
    memory, gpu = (_most(used, figure) for figure in ("memory_mib", "gpu_memory_mib"))
    if memory or gpu:
        tools.run_peaks.raise_to(run_id, memory_mib=memory, gpu_memory_mib=gpu)


def _most(used: Iterable[Mapping[str, Any]], figure: str) -> int:
    told = (event.get(figure) for event in used)
    return max((mib for mib in told if isinstance(mib, int) and 0 < mib < 1 << 31), default=0)
