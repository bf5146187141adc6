"""Who may do what with a lab or a dataset. Pure; what is not named here is refused.

This is the one place that decides; `storage.listing.listed` says the same once more in SQL, for
lists, counts and search. A lab carries its members, so a decision asks nobody. A dataset is as a
lab here, its versions are as revisions; who may read one may use it in runs of theirs.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.names import can_own

GROUP_SIGN: Final = "@"
"""Begins the owner of labs that belong to a group: `@vision`. No person is called so."""


class Action(StrEnum):
    """What a person may want with a lab.

    `SHARE` is all that changes who may do what: visibility, members, the name, the owner.
    """

    READ = "read"
    LIST = "list"
    FORK = "fork"
    RUN = "run"
    EDIT = "edit"
    SHARE = "share"
    DELETE = "delete"


_NEEDS: Final = {
    Action.READ: Role.VIEWER,
    Action.LIST: Role.VIEWER,
    Action.FORK: Role.RUNNER,
    Action.RUN: Role.RUNNER,
    Action.EDIT: Role.EDITOR,
    Action.SHARE: Role.OWNER,
    Action.DELETE: Role.OWNER,
}
_ONLY_READS: Final = {Action.READ, Action.LIST}
_OPEN_TO_READERS: Final = {Action.READ, Action.FORK, Action.RUN}


class Held(Protocol):
    """What somebody can have a role in: a lab, or the parent of one."""

    @property
    def owner(self) -> str:
        """A person's name, or `@group`."""

    @property
    def visibility(self) -> Visibility:
        """Who may read it."""

    @property
    def members(self) -> tuple[Member, ...]:
        """Whom it is shared with."""


class Kept(Held, Protocol):
    """What can be in the trash, and has numbered states: a lab, or a dataset."""

    @property
    def trashed_at(self) -> datetime | None:
        """When it went to the trash."""

    @property
    def open_from(self) -> int:
        """The first state that others than its members may read; 0: it was never open."""

    @property
    def revision(self) -> int:
        """Number of its newest state."""


def may(person: Person | None, action: Action, lab: Kept) -> bool:
    """Tell whether `person` (None: nobody signed in) may do `action` with `lab`."""
    if lab.trashed_at is not None:
        return False
    return _allowed(person, action, lab)


def role_of(person: Person | None, lab: Held) -> Role | None:
    """Return the highest role that `person` holds in `lab`; None: none.

    Being an admin is no role: an admin may all with every lab, but a lab is not theirs.
    """
    if person is None or person.is_service:
        return None
    if lab.owner in owners_of(person):
        return Role.OWNER
    held = [member.role for member in lab.members if _is(person, member)]
    return max(held, key=lambda role: role.rank, default=None)


def owners_of(person: Person) -> tuple[str, ...]:
    """Return the owners as whom `person` may act: themself, and each of their groups."""
    if person.is_service:
        return ()
    return (person.name, *(GROUP_SIGN + group for group in person.groups))


def publishes_as(person: Person) -> tuple[str, ...]:
    """Return the owners that a new lab of `person` can have: themself, and groups of theirs.

    A group whose name is no address owns nothing.
    """
    if not person.may_write or person.is_service:
        return ()
    return (person.name, *(GROUP_SIGN + group for group in person.groups if can_own(group)))


def group_of(owner: str) -> str | None:
    """Return the group that an owner is; None: it is a person."""
    return owner[1:] if owner.startswith(GROUP_SIGN) else None


def works_on(person: Person | None, lab: Held) -> bool:
    """Tell whether `lab` itself is `person`'s to work on: opening it makes no fork."""
    role = role_of(person, lab)
    return role is not None and role.covers(Role.EDITOR) and person is not None and person.may_write


def may_leave(person: Person | None, lab: Lab) -> bool:
    """Tell whether `lab` is shared with `person` themself; a group's role ends with the group."""
    return person is not None and person.may_write and left_by(person, lab) != lab


def left_by(person: Person, lab: Lab) -> Lab:
    """Return `lab` as it is once `person` has left it."""
    own = (MemberKind.PERSON, person.name)
    members = (member for member in lab.members if (member.kind, member.name) != own)
    return replace(lab, members=tuple(members))


def is_insider(person: Person | None, lab: Held) -> bool:
    """Tell whether `person` has any role in `lab`, or is an admin.

    Insiders see with whom it is shared, and what it was before it was opened.
    """
    return _is_admin(person) or role_of(person, lab) is not None


def first_open(person: Person | None, lab: Kept) -> int:
    """Return the first revision of `lab` that `person` may read; they may read the lab.

    What was published before a lab was first opened stays with insiders.
    """
    if is_insider(person, lab):
        return 1
    # Never opened, and yet readable: no more than the newest.
    return lab.open_from or lab.revision


def seen_by(person: Person | None, lab: Lab) -> Lab:
    """Return `lab` without a parent that `person` may not know of."""
    if lab.parent is None or _allowed(person, Action.READ, lab.parent):
        return lab
    return replace(lab, parent=None)


def may_restore(person: Person | None, lab: Kept) -> bool:
    """Tell whether `person` may take `lab` out of the trash, and see that it is there."""
    return lab.trashed_at is not None and _allowed(person, Action.DELETE, lab)


def outlives_purge(lab: Held) -> bool:
    """Tell whether forks go on naming `lab` when it is purged: only what everybody may read.

    Nobody can tell any more then who might have known of it.
    """
    return _is_open(None, Action.READ, lab.visibility)


def _allowed(person: Person | None, action: Action, lab: Held) -> bool:
    if action not in _ONLY_READS and (person is None or not person.may_write):
        return False
    if _is_admin(person) or _is_open(person, action, lab.visibility):
        return True
    role = role_of(person, lab)
    return role is not None and role.covers(_NEEDS[action])


def _is_open(person: Person | None, action: Action, visibility: Visibility) -> bool:
    is_person = person is not None and not person.is_service
    match visibility:
        case Visibility.PUBLIC:
            return action in _OPEN_TO_READERS or action is Action.LIST
        case Visibility.UNLISTED:
            return action in _OPEN_TO_READERS
        case Visibility.SIGNED_IN:
            return is_person and (action in _OPEN_TO_READERS or action is Action.LIST)
        case Visibility.PRIVATE:
            return False


def _is(person: Person, member: Member) -> bool:
    if member.kind is MemberKind.PERSON:
        return member.name == person.name
    return member.name in person.groups


def _is_admin(person: Person | None) -> bool:
    return person is not None and person.admin
