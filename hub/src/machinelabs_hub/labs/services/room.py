"""Room for a person's labs: as much as their plan gives."""

from typing import Final

from machinelabs_hub.errors import TooLarge
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.hours import HourTable
from machinelabs_hub.plans.policy import plan_of

GIB: Final = 2**30


class StorageFull(TooLarge):
    """The person's labs hold as much as their plan gives."""

    code = "storage_full"


def check_room(tools: Tools, person: Person) -> None:
    """Refuse to store more for somebody whose labs hold all that their plan gives.

    Raises:
        StorageFull: says how much, and what to do.
    """
    standing = person.plan_standing
    plan = plan_of(tools.settings.plans, groups=standing.groups, is_admin=standing.is_admin)
    if not plan.storage_gib:
        return
    held = HourTable(sessions=tools.sessions).stored_bytes(person.name) / GIB
    if held >= plan.storage_gib:
        raise StorageFull(
            f"Your labs hold {held:.1f} GiB, and your plan, “{plan.title}”, gives you "
            f"{plan.storage_gib} GiB. Delete labs that you do not need, or ask an admin of this "
            "site."
        )
