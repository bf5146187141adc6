"""Rename a lab and give it to somebody else; its former addresses lead to it still."""

from machinelabs_hub.db.engine import RowClash
from machinelabs_hub.errors import BadInput, NotAllowed
from machinelabs_hub.labs.models.access import Action, group_of, owners_of, seen_by
from machinelabs_hub.labs.models.address import FormerAddress, NewAddress
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.member import MemberKind
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import details
from machinelabs_hub.labs.services.directory import Directory
from machinelabs_hub.labs.services.labs import TooManyLabs, cannot_own, name_taken
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab, lab_to, writer
from machinelabs_hub.names import RESERVED, can_own, check_lab_name, shown


class MoveService:
    """Addresses of labs, as `viewer` may change them."""

    def __init__(self, *, tools: Tools, viewer: Person | None, directory: Directory) -> None:
        self._tools = tools
        self._viewer = viewer
        self._directory = directory

    def move(self, owner: str, name: str, *, to_owner: str = "", to_name: str = "") -> Lab:
        """Give a lab another name, another owner (a person or `@group`), or both.

        An empty text leaves a part as it is. Stars, members, forks and revisions go with it, and
        who owned it stays an editor. A lab that is made at a former address later has it.

        Raises:
            NameTaken: the new owner has another lab of this name.
            BadInput: there is nobody of this name, or no lab may be called so.
        """
        lab = lab_to(Action.SHARE, self._tools, self._viewer, owner, name)
        viewer = writer(self._viewer)
        to = NewAddress(to_owner or lab.owner, to_name or lab.name, viewer.name)
        if (to.owner, to.name) == (lab.owner, lab.name):
            return lab
        check_lab_name(to.name)
        if to.owner != lab.owner:
            self._check_owner(viewer, to.owner)
        with self._tools.locks.hold(lab.uid):
            # Read again: what was changed meanwhile, who may read it above all, stays so.
            done = self._moved(lab_to(Action.SHARE, self._tools, viewer, owner, name), to)
        return seen_by(self._viewer, done)

    def former(self, lab: Lab) -> tuple[FormerAddress, ...]:
        """Return the former addresses of a lab that lead to it, the oldest first."""
        return self._tools.addresses.of(lab)

    def _check_owner(self, viewer: Person, owner: str) -> None:
        group = group_of(owner)
        if group is None:
            if owner in RESERVED or "/" in owner:
                raise BadInput(f"“{shown(owner)}” is a page of this site and cannot own labs.")
            self._directory.check(MemberKind.PERSON, owner)
        else:
            if owner not in owners_of(viewer) and not viewer.admin:
                raise NotAllowed(
                    f"You are not in a group “{shown(group)}”. Give a lab to a group that you are "
                    "in, or share it with the other."
                )
            if not can_own(group):
                raise BadInput(cannot_own(group))
            self._directory.check(MemberKind.GROUP, group)
        most = self._tools.settings.limits.labs_per_person
        if len(self._tools.labs.names_of(owner)) >= most:
            raise TooManyLabs(f"{shown(owner)} has {most} labs, the most that anybody may have.")

    def _moved(self, lab: Lab, to: NewAddress) -> Lab:
        tools = self._tools
        if to.name in tools.labs.names_of(to.owner):
            raise name_taken(to.owner, to.name)
        at = tools.clock()
        was = tools.addresses.of(lab)
        left = FormerAddress(lab.owner, lab.name, at)
        ends = {(lab.owner, lab.name), (to.owner, to.name)}
        former = [old for old in was if (old.owner, old.name) not in ends]
        details.keep_address(tools, lab, to.owner, to.name, (*former, left))
        try:
            done = tools.addresses.move(lab, to, details.of(lab), at)
        except RowClash as error:
            details.keep_address(tools, lab, lab.owner, lab.name, was)
            raise name_taken(to.owner, to.name) from error
        if done is None:
            details.keep_address(tools, lab, lab.owner, lab.name, was)
            raise NoLab(f"{lab.path} was deleted or moved at this moment. Look at it again.")
        return done
