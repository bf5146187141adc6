"""The trash: a deleted lab can be restored for some days; then it is purged."""

from datetime import timedelta
from typing import Final

from machinelabs_hub.db.engine import RowClash
from machinelabs_hub.labs.models.access import may_restore, outlives_purge, seen_by
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_place, write_place
from machinelabs_hub.labs.services import details
from machinelabs_hub.labs.services.labs import NameTaken
from machinelabs_hub.labs.services.room import room_for
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab, writer
from machinelabs_hub.names import shown

_LIST: Final = "trash"


class TrashService:
    """Deleted labs, as `viewer` may see and restore them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def list(self, *, cursor: str = "", limit: int = DEFAULT_LIMIT) -> Page[Lab]:
        """Return the labs in the trash that the viewer may restore, the last deleted first."""
        person = writer(self._viewer)
        skip = read_place(cursor, _LIST) if cursor else 0
        found = self._tools.labs.trashed_for(person, skip=skip, limit=limit + 1)
        more = len(found) > limit
        return Page(found[:limit], write_place(_LIST, skip + limit) if more else None)

    def restore(self, owner: str, name: str) -> Lab:
        """Take back the lab of this name that was deleted last.

        Raises:
            NoLab: there is none in the trash, or it is somebody else's.
            NameTaken: the owner has another lab of this name by now.
            StorageFull: what comes back is more than the viewer's plan gives.
        """
        person = writer(self._viewer)
        for lab in self._tools.labs.trashed(owner):
            if lab.name == name and may_restore(self._viewer, lab):
                # A group's labs count for the group, which has no plan.
                with room_for(self._tools, person, lab.size_bytes * (owner == person.name)):
                    return self._back(lab)
        raise NoLab(f"There is no lab {shown(owner)}/{shown(name)} in your trash.")

    def _back(self, lab: Lab) -> Lab:
        try:
            with self._tools.locks.hold(lab.uid):
                self._tools.labs.restore(lab)
                details.keep_trashed(self._tools, lab, None)
        except RowClash as error:
            raise NameTaken(
                f"There is another lab {lab.path} by now. Rename or delete it, then restore."
            ) from error
        found = self._tools.labs.get(lab.uid)
        if found is None:
            raise NoLab(f"{lab.path} is not in the trash any more.")
        return seen_by(self._viewer, found)


def empty(tools: Tools) -> int:
    """Purge what is in the trash for longer than the site keeps it, and return how many.

    This is the one act of the labs service that destroys.
    """
    before = tools.clock() - timedelta(days=tools.settings.limits.trash_days)
    count = 0
    for old in tools.labs.trashed_before(before):
        with tools.locks.hold(old.uid):
            lab = tools.labs.get(old.uid)
            if lab is None or lab.trashed_at is None or lab.trashed_at >= before:
                # Somebody restored it meanwhile.
                continue
            is_alone = tools.labs.others_in(lab) == 0
            is_named = outlives_purge(lab)
            # First in git: an index made anew must not tell a name that goes with its lab.
            for uid in tools.labs.uids_of_forks(lab):
                details.keep_parent_gone(tools, lab, uid, is_named=is_named)
            if not tools.labs.purge(lab, is_named=is_named):
                continue
            tools.exports.drop(lab.uid)
            if is_alone:
                tools.repos.drop_store(lab.store)
            else:
                tools.repos.drop_lab(lab.store, lab.uid)
        count += 1
    return count + tools.datasets.purge(before)
