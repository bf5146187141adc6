"""Lists of labs: which, in which order, a page at a time."""

from dataclasses import replace

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from machinelabs_hub.db.tables.labs import LabRow, LabTagRow
from machinelabs_hub.db.tables.members import MemberRow
from machinelabs_hub.labs.models.access import owners_of
from machinelabs_hub.labs.models.cursor import Cursor, read_cursor, write_cursor
from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.member import MemberKind, Role
from machinelabs_hub.labs.models.page import LabQuery, Page, Sort
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.storage.rows import lab_of

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


def wanted_by(query: LabQuery, viewer: Person | None) -> Wanted:
    """Select what `query` asks for among what `viewer` may see in a list."""
    wanted = live()
    if query.owner:
        wanted = wanted.where(LabRow.owner == query.owner, listed(viewer))
    else:
        wanted = wanted.where(explored(viewer))
    if query.tag:
        tagged = select(LabTagRow.lab_id).where(LabTagRow.tag == query.tag)
        wanted = wanted.where(LabRow.id.in_(tagged))
    for word in query.q.casefold().split():
        wanted = wanted.where(LabRow.search_text.contains(word, autoescape=True))
    if not query.owner and not query.q:
        # A fork that nobody worked on yet would only repeat its original here.
        wanted = wanted.where(or_(LabRow.parent_id.is_(None), LabRow.revision > 1))
    return wanted


def page_of(db: Session, wanted: Wanted, query: LabQuery) -> Page[Lab]:
    """Return one page of `wanted`, in the order and from the place that `query` says."""
    column = {
        Sort.NEWEST: LabRow.created_at,
        Sort.UPDATED: LabRow.updated_at,
        Sort.FORKS: LabRow.forks,
    }[query.sort]
    if query.cursor:
        cursor = read_cursor(query.cursor, query.sort)
        tie = or_(column < cursor.value, LabRow.id < cursor.id)
        wanted = wanted.where(column <= cursor.value, tie)
    ordered = wanted.order_by(column.desc(), LabRow.id.desc()).limit(query.limit + 1)
    rows = list(db.scalars(ordered))
    labs = tuple(lab_of(row) for row in rows[: query.limit])
    more = len(rows) > query.limit
    return Page(labs, _next(labs[-1], query.sort) if more and labs else None)


def _next(last: Lab, sort: Sort) -> str:
    if sort is Sort.FORKS:
        return write_cursor(Cursor(sort, last.forks, last.id))
    at = last.created_at if sort is Sort.NEWEST else last.updated_at
    return write_cursor(Cursor(sort, at, last.id))
