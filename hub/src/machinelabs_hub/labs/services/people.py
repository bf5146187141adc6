"""People: their pages, and what becomes of their labs when they go."""

from dataclasses import replace
from enum import StrEnum

from machinelabs_hub.errors import NotAllowed, NotFound
from machinelabs_hub.labs.models.access import GROUP_SIGN, group_of, owners_of, seen_by
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import LabQuery, Page
from machinelabs_hub.labs.models.person import Person, Profile
from machinelabs_hub.labs.services.labs import to_trash
from machinelabs_hub.labs.services.runs import leave_runs
from machinelabs_hub.labs.services.search import asked
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import signed_in
from machinelabs_hub.names import shown


class NoPerson(NotFound):
    """Nobody of this name is here."""

    code = "no_person"


class NoGroup(NotFound):
    """There is no such group, or none that this person may know of."""

    code = "no_group"


class LabsOfLeaver(StrEnum):
    """What becomes of the labs of somebody whose account is deleted."""

    TRASH = "trash"
    KEEP = "keep"


class PeopleService:
    """People, as `viewer` may see them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def get(self, name: str) -> Profile:
        """Return what a person's page, or that of `@group`, says of them.

        Raises:
            NoPerson: nobody of this name used the labs.
            NoGroup: the group has no labs that the viewer may see, and they are not in it.
        """
        if group_of(name) is not None:
            return self._group(name)
        found = self._tools.people.find(name)
        if found is None:
            raise NoPerson(
                f"There is nobody called {shown(name)} here, or they did not use the labs yet."
            )
        return replace(found, labs_count=self._tools.labs.count_for(name, self._viewer))

    def shared(self, query: LabQuery) -> Page[Lab]:
        """Return the labs that others share with the viewer, or with a group of theirs."""
        person = signed_in(self._viewer)
        page = self._tools.labs.shared(person, asked(query))
        return Page(tuple(seen_by(person, lab) for lab in page.items), page.next)

    def _group(self, name: str) -> Profile:
        count = self._tools.labs.count_for(name, self._viewer)
        if not count and (self._viewer is None or name not in owners_of(self._viewer)):
            raise NoGroup(f"There is no group {shown(name)} with labs here, or none that you see.")
        return Profile(name, name.removeprefix(GROUP_SIGN), count, None)

    def remove(self, name: str, labs: LabsOfLeaver) -> int:
        """Forget a person whose account is deleted, and return how many labs went to the trash.

        Raises:
            NotAllowed: only an admin may.
        """
        viewer = signed_in(self._viewer)
        if not (viewer.admin or viewer.may_remove):
            raise NotAllowed("Only an admin can remove a person.")
        now = self._tools.clock()
        count = 0
        if labs is LabsOfLeaver.TRASH:
            for lab in self._tools.labs.all_of(name):
                count += to_trash(self._tools, lab)
            for dataset in self._tools.datasets.all_of(name):
                self._tools.datasets.set_trashed(dataset, now)
        self._tools.members.forget(name)
        self._tools.proposals.forget(name)
        self._tools.stars.forget(name)
        self._tools.datasets.forget(name)
        self._tools.dataset_uploads.forget(name)
        self._tools.schedules.forget(name)
        leave_runs(self._tools, name)
        self._tools.people.left(name, now)
        return count
