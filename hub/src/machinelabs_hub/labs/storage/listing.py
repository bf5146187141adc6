"""Who may see which labs in a list: `models.access` once more, in SQL."""

from dataclasses import replace

from sqlalchemy import ColumnElement, Select, and_, or_, select

from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.members import MemberRow
from machinelabs_hub.labs.models.access import owners_of
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.member import MemberKind, Role
from machinelabs_hub.labs.models.person import Person

Wanted = Select[LabRow]


def live() -> Wanted:
    """Select labs that are not in the trash."""
    return select(LabRow).where(LabRow.trashed_at.is_(None))


def listed(viewer: Person | None) -> ColumnElement[bool]:
    """Be true of the labs that `viewer` may see in a list, as `models.access` has it.

    Every list, count and search of labs is bound by it, and nothing else says it in SQL.
    """
    if viewer is None or viewer.is_service:
        return LabRow.visibility == Visibility.PUBLIC
    if viewer.admin:
        return LabRow.id.is_not(None)
    is_open = LabRow.visibility.in_((Visibility.PUBLIC, Visibility.SIGNED_IN))
    return or_(is_open, owned_by(viewer), shared_with(viewer))


def explored(viewer: Person | None) -> ColumnElement[bool]:
    """Be true of the labs that `viewer` may come across: an admin explores as everybody does."""
    return listed(viewer and replace(viewer, admin=False))


def owned_by(viewer: Person) -> ColumnElement[bool]:
    """Be true of the labs of `viewer` and of their groups."""
    return LabRow.owner.in_(owners_of(viewer))


def shared_with(viewer: Person, *roles: Role) -> ColumnElement[bool]:
    """Be true of the labs in which `viewer` or a group of theirs is a member, in one of `roles`."""
    person = and_(MemberRow.kind == MemberKind.PERSON, MemberRow.name == viewer.name)
    group = and_(MemberRow.kind == MemberKind.GROUP, MemberRow.name.in_(viewer.groups))
    held = select(MemberRow.lab_id).where(or_(person, group))
    return LabRow.id.in_(held.where(MemberRow.role.in_(roles)) if roles else held)
