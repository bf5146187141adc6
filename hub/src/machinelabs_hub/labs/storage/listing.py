"""Who may see which labs and datasets in a list: `models.access` once more, in SQL."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from machinelabs_hub.db.tables.datasets import DatasetMemberRow, DatasetRow
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.members import MemberRow
from machinelabs_hub.labs.models.access import owners_of
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.member import MemberKind, Role
from machinelabs_hub.labs.models.person import Person

Wanted = Select[LabRow]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Rows that have an owner, a visibility and members."""

    row: type[LabRow] | type[DatasetRow]
    member: type[MemberRow] | type[DatasetMemberRow]
    of: InstrumentedAttribute[Any]
    """Which of the rows a member is of."""


LABS = Shelf(LabRow, MemberRow, MemberRow.lab_id)
DATASETS = Shelf(DatasetRow, DatasetMemberRow, DatasetMemberRow.dataset_id)


def live() -> Wanted:
    """Select labs that are not in the trash."""
    return select(LabRow).where(LabRow.trashed_at.is_(None))


def listed(viewer: Person | None, shelf: Shelf = LABS) -> ColumnElement[bool]:
    """Be true of the rows that `viewer` may see in a list, as `models.access` has it.

    Every list, count and search of them is bound by it, and nothing else says it in SQL.
    """
    row = shelf.row
    if viewer is None or viewer.is_service:
        return row.visibility == Visibility.PUBLIC
    if viewer.admin:
        return row.id.is_not(None)
    is_open = row.visibility.in_((Visibility.PUBLIC, Visibility.SIGNED_IN))
    return or_(is_open, owned_by(viewer, shelf), shared_with(viewer, shelf=shelf))


def explored(viewer: Person | None, shelf: Shelf = LABS) -> ColumnElement[bool]:
    """Be true of the rows that `viewer` may come across: an admin explores as everybody does."""
    return listed(viewer and replace(viewer, admin=False), shelf)


def owned_by(viewer: Person, shelf: Shelf = LABS) -> ColumnElement[bool]:
    """Be true of the rows of `viewer` and of their groups."""
    return shelf.row.owner.in_(owners_of(viewer))


def shared_with(viewer: Person, *roles: Role, shelf: Shelf = LABS) -> ColumnElement[bool]:
    """Be true of the rows in which `viewer` or a group of theirs is a member, in one of `roles`."""
    member = shelf.member
    person = and_(member.kind == MemberKind.PERSON, member.name == viewer.name)
    group = and_(member.kind == MemberKind.GROUP, member.name.in_(viewer.groups))
    held = select(shelf.of).where(or_(person, group))
    return shelf.row.id.in_(held.where(member.role.in_(roles)) if roles else held)
