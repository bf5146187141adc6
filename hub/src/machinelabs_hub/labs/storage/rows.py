"""Between rows of labs and what the services talk about."""

from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, Executable
from sqlalchemy.orm import Session

from machinelabs_hub.db.tables.labs import LabRow, LabTagRow, RevisionRow
from machinelabs_hub.db.tables.search import LabTextRow
from machinelabs_hub.db.words import folded
from machinelabs_hub.labs.models.lab import Lab, Parent, Visibility
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.models.revision import Revision
from machinelabs_hub.labs.models.texts import Texts


@dataclass(frozen=True, slots=True)
class Details:
    """What an owner may change of a lab.

    Attributes:
        open_from: the first revision that others than members may read; 0: it was never open.
    """

    title: str
    description: str
    tags: tuple[str, ...]
    visibility: Visibility
    licence: str
    image: str | None
    flavour: str | None
    open_from: int


@dataclass(frozen=True, slots=True)
class NewLab:
    """A lab to add, with its first revision.

    Attributes:
        parent: what it was forked from.
        parent_id: the row of that lab; None where it is gone.
    """

    uid: str
    store: str
    owner: str
    name: str
    details: Details
    entrypoint: str | None
    texts: Texts
    first: Revision
    parent: Parent | None = None
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a lab's row says of its newest files."""

    entrypoint: str | None
    image: str | None
    flavour: str | None
    texts: Texts


def lab_of(row: LabRow) -> Lab:
    """Return what a row says, frozen."""
    return Lab(
        id=row.id,
        uid=row.uid,
        store=row.store,
        owner=row.owner,
        name=row.name,
        title=row.title,
        description=row.description,
        tags=tuple(tag.tag for tag in row.tags),
        visibility=Visibility(row.visibility),
        licence=row.licence,
        image=row.image,
        flavour=row.flavour,
        entrypoint=row.entrypoint,
        revision=row.revision,
        parent=_parent_of(row),
        forks=row.forks,
        created_at=row.created_at,
        updated_at=row.updated_at,
        files_count=row.files_count,
        size_bytes=row.size_bytes,
        stars=row.stars,
        trend=row.trend,
        language=row.language,
        has_outputs=row.has_outputs,
        runs_clean=row.runs_clean,
        featured_at=row.featured_at,
        trashed_at=row.trashed_at,
        open_from=row.open_from,
        members=_members_of(row),
    )


def _members_of(row: LabRow) -> tuple[Member, ...]:
    return tuple(Member(MemberKind(m.kind), m.name, Role(m.role)) for m in row.members)


def _parent_of(row: LabRow) -> Parent | None:
    if row.parent_owner is None or row.parent_name is None or row.parent_revision is None:
        return None
    here = row.parent
    if here is None:
        return Parent(
            row.parent_owner,
            row.parent_name,
            row.parent_revision,
            exists=False,
            synced=row.parent_synced,
        )
    return Parent(
        owner=here.owner,
        name=here.name,
        revision=row.parent_revision,
        exists=here.trashed_at is None,
        visibility=Visibility(here.visibility),
        members=_members_of(here),
        synced=row.parent_synced,
    )


def row_of(new: NewLab) -> LabRow:
    """Return the row of a lab that is to be added."""
    row = LabRow(
        uid=new.uid,
        store=new.store,
        owner=new.owner,
        name=new.name,
        entrypoint=new.entrypoint,
        revision=new.first.number,
        files_count=new.first.files_count,
        size_bytes=new.first.size_bytes,
        forks=0,
        created_at=new.first.created_at,
        updated_at=new.first.created_at,
    )
    if new.parent is not None:
        row.parent_id = new.parent_id
        row.parent_owner = new.parent.owner
        row.parent_name = new.parent.name
        row.parent_revision = new.parent.revision
        row.parent_synced = new.parent.synced
    row.language = new.texts.language
    row.has_outputs = new.texts.has_outputs
    row.runs_clean = new.texts.runs_clean
    readme, notebook = folded(new.texts.readme), folded(new.texts.notebook)
    row.texts = LabTextRow(readme=readme, notebook=notebook)
    set_details(row, new.details)
    return row


def set_details(row: LabRow, details: Details) -> None:
    """Write an owner's details into a row, and what it is found by."""
    row.title = details.title
    row.description = details.description
    row.visibility = details.visibility
    row.licence = details.licence
    row.image = details.image
    row.flavour = details.flavour
    row.open_from = details.open_from
    kept = {tag.tag: tag for tag in row.tags}
    row.tags = [kept.get(tag, LabTagRow(tag=tag)) for tag in details.tags]
    for position, tag in enumerate(row.tags):
        tag.position = position
    name_texts(row)


def name_texts(row: LabRow) -> None:
    """Let a lab be found by what it is called and who owns it now."""
    row.texts.heading = folded(f"{row.owner} {row.name} {row.title}")
    row.texts.tags = folded(" ".join(tag.tag for tag in row.tags))
    row.texts.about = folded(row.description)


def revision_row(lab_id: int, revision: Revision) -> RevisionRow:
    """Return the row of a revision."""
    return RevisionRow(
        lab_id=lab_id,
        number=revision.number,
        commit_id=revision.commit,
        author=revision.author,
        message=revision.message,
        created_at=revision.created_at,
        files_count=revision.files_count,
        size_bytes=revision.size_bytes,
    )


def revision_of(row: RevisionRow) -> Revision:
    """Return what a row of a revision says, frozen."""
    return Revision(
        number=row.number,
        message=row.message,
        author=row.author,
        created_at=row.created_at,
        size_bytes=row.size_bytes,
        files_count=row.files_count,
        commit=row.commit_id,
    )


def changed(db: Session, statement: Executable) -> bool:
    """Run an update and tell whether it found its row."""
    return count_changed(db, statement) == 1


def count_changed(db: Session, statement: Executable) -> int:
    """Run an update or a removal and tell how many rows it found."""
    return cast("CursorResult[Any]", db.execute(statement)).rowcount
