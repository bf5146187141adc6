"""Whom a lab is shared with: people and groups, as viewers, runners, editors or owners."""

from typing import Final

from machinelabs_hub.errors import BadInput, NotAllowed, NotFound, TooLarge
from machinelabs_hub.labs.models.access import Action, Held, group_of, is_insider
from machinelabs_hub.labs.models.member import Member, MemberKind, Membership
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.directory import Directory
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_at, lab_to, writer
from machinelabs_hub.names import shown

MOST: Final = 100
"""Members of one lab; a lab carries them all wherever it goes. More people are a group."""


class NoMember(NotFound):
    """The lab is not shared with this person or group."""

    code = "no_member"


class IsOwner(BadInput):
    """The lab belongs to this person or group already."""

    code = "is_owner"


class TooManyMembers(TooLarge):
    """The lab is shared with as many as a lab may be."""

    code = "too_many_members"


class MemberService:
    """Members of labs, as `viewer` may see and change them."""

    def __init__(self, *, tools: Tools, viewer: Person | None, directory: Directory) -> None:
        self._tools = tools
        self._viewer = viewer
        self._directory = directory

    def list(self, owner: str, name: str) -> tuple[Membership, ...]:
        """Return whom a lab is shared with, people first, to those who are among them."""
        lab = lab_at(self._tools, self._viewer, owner, name)
        if not is_insider(self._viewer, lab):
            raise NotAllowed(f"Only those whom {lab.path} is shared with see who they are.")
        return self._tools.members.all_of(lab)

    def put(self, owner: str, name: str, member: Member) -> Membership:
        """Share a lab with a person or a group, or give them another role.

        Raises:
            IsOwner: it is theirs already.
            UnknownMember: there is nobody of this name.
            TooManyMembers: it is shared with as many as a lab may be.
        """
        lab = lab_to(Action.SHARE, self._tools, self._viewer, owner, name)
        viewer = writer(self._viewer)
        if member.name == owner_as(lab, member.kind):
            raise IsOwner(f"{lab.path} belongs to {member.name}; an owner needs no other role.")
        known = {(known.kind, known.name) for known in lab.members}
        if (member.kind, member.name) not in known:
            self._directory.check(member.kind, member.name)
            if len(known) >= MOST:
                raise TooManyMembers(
                    f"{lab.path} is shared with {MOST} people and groups, the most that a lab may "
                    "be. Put people into a group and share it with that."
                )
        return self._tools.members.put(lab, member, by=viewer.name, at=self._tools.clock())

    def remove(self, owner: str, name: str, kind: MemberKind, member: str) -> None:
        """Share a lab no more with a person or a group; everybody may leave by themself.

        Raises:
            NoMember: it is not shared with them.
        """
        lab = lab_at(self._tools, self._viewer, owner, name)
        leaves = kind is MemberKind.PERSON and writer(self._viewer).name == member
        if not leaves:
            lab = lab_to(Action.SHARE, self._tools, self._viewer, owner, name)
        if not self._tools.members.remove(lab, kind, member):
            raise NoMember(f"{lab.path} is not shared with {shown(member)}.")


def owner_as(lab: Held, kind: MemberKind) -> str | None:
    """Return the person, or the group, that owns something; None: it is the other kind."""
    group = group_of(lab.owner)
    if kind is MemberKind.GROUP:
        return group
    return lab.owner if group is None else None
