"""Room for a person's labs and datasets: as much as their plan gives."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from machinelabs_hub.errors import TooLarge
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.hours import HourTable

GIB: Final = 2**30


class StorageFull(TooLarge):
    """The person's labs and datasets hold as much as their plan gives."""

    code = "storage_full"


def held_by(tools: Tools, name: str) -> int:
    """Return how many bytes somebody's labs and datasets hold, without the trash."""
    labs = HourTable(sessions=tools.sessions).stored_bytes(name)
    return labs + tools.dataset_versions.held_by(name)


@contextmanager
def room_for(tools: Tools, person: Person, more: int) -> Iterator[None]:
    """Take something in, in the block, that has `more` bytes; one at a time for each person.

    Raises:
        StorageFull: there is no room for it; says how much there is, and what to do.
    """
    with tools.locks.hold(f"room of {person.name}"):
        if more:
            check_room(tools, person, more)
        yield


def check_room(tools: Tools, person: Person, more: int = 0) -> None:
    """Refuse to store more for somebody who holds all that their plan gives.

    Args:
        tools: the parts.
        person: who is to hold it.
        more: how many bytes are to come; 0: it is not known.

    Raises:
        StorageFull: says how much, and what to do.
    """
    plan = tools.plan_of(person.plan_standing)
    if not plan.storage_gib:
        return
    held = held_by(tools, person.name)
    if held >= plan.storage_gib * GIB:
        raise StorageFull(
            f"Your labs and datasets hold {held / GIB:.1f} GiB, and your plan, “{plan.title}”, "
            f"gives you {plan.storage_gib} GiB. Delete what you do not need, or ask an admin of "
            "this site."
        )
    if held + more > plan.storage_gib * GIB:
        raise StorageFull(
            f"This needs {more / GIB:.1f} GiB. Your labs and datasets hold {held / GIB:.1f} GiB of "
            f"the {plan.storage_gib} GiB of your plan, “{plan.title}”. Delete what you do not "
            "need, or ask an admin of this site."
        )
