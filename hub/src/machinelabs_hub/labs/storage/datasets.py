"""The index of datasets. Every method is one transaction and may block."""

from datetime import datetime

from sqlalchemy import delete, func, or_, select, update

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.datasets import DatasetMemberRow, DatasetRow
from machinelabs_hub.labs.models.cursor import Cursor, read_cursor, write_cursor
from machinelabs_hub.labs.models.dataset import Dataset, DatasetDraft, DatasetQuery, words_in
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.member import Member, MemberKind, Membership, Role
from machinelabs_hub.labs.models.page import Page, Sort
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.storage.idempotency import note
from machinelabs_hub.labs.storage.listing import DATASETS, explored, listed, owned_by, shared_with
from machinelabs_hub.labs.storage.rows import changed, count_changed


class DatasetTable:
    """Rows of datasets. Who may see them is the services' to decide, but for lists."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def find(self, owner: str, name: str) -> Dataset | None:
        """Return the dataset that is not in the trash, or None."""
        with self._sessions() as db:
            here = (DatasetRow.owner == owner, DatasetRow.name == name)
            row = db.scalar(select(DatasetRow).where(*here, DatasetRow.trashed_at.is_(None)))
            return None if row is None else dataset_of(row)

    def get(self, dataset_id: int) -> Dataset | None:
        """Return a dataset by its row, also from the trash."""
        with self._sessions() as db:
            row = db.get(DatasetRow, dataset_id)
            return None if row is None else dataset_of(row)

    def page(self, query: DatasetQuery, viewer: Person | None) -> Page[Dataset]:
        """Return datasets that `viewer` may see in a list, the last changed first."""
        seen = listed(viewer, DATASETS) if query.owner else explored(viewer, DATASETS)
        wanted = select(DatasetRow).where(seen, DatasetRow.trashed_at.is_(None))
        for word in query.q.casefold().split():
            wanted = wanted.where(DatasetRow.words.contains(word, autoescape=True))
        if query.tag:
            # Each tag stands there between two of these signs.
            wanted = wanted.where(DatasetRow.words.contains(f"#{query.tag}#", autoescape=True))
        if query.owner:
            wanted = wanted.where(DatasetRow.owner == query.owner)
        if query.licence:
            wanted = wanted.where(DatasetRow.licence == query.licence)
        if query.cursor:
            cursor = read_cursor(query.cursor, Sort.UPDATED)
            at = DatasetRow.updated_at
            before = (at == cursor.value) & (DatasetRow.id < cursor.id)
            wanted = wanted.where(or_(at < cursor.value, before))
        order = (DatasetRow.updated_at.desc(), DatasetRow.id.desc())
        with self._sessions() as db:
            rows = db.scalars(wanted.order_by(*order).limit(query.limit + 1)).all()
            items = tuple(dataset_of(row) for row in rows[: query.limit])
        if len(rows) <= query.limit:
            return Page(items, None)
        last = items[-1]
        return Page(items, write_cursor(Cursor(Sort.UPDATED, last.updated_at, last.id)))

    def count_of(self, owner: str) -> int:
        """Count the datasets of an owner, without those in the trash."""
        with self._sessions() as db:
            here = (DatasetRow.owner == owner, DatasetRow.trashed_at.is_(None))
            return db.scalar(select(func.count()).where(*here)) or 0

    def all_of(self, owner: str) -> tuple[Dataset, ...]:
        """Return every dataset of an owner, without those in the trash."""
        with self._sessions() as db:
            here = (DatasetRow.owner == owner, DatasetRow.trashed_at.is_(None))
            rows = db.scalars(select(DatasetRow).where(*here).order_by(DatasetRow.id))
            return tuple(map(dataset_of, rows))

    def add(self, draft: DatasetDraft, open_from: int, at: datetime) -> Dataset:
        """Add a dataset that has no version yet.

        Raises:
            RowClash: the owner has a dataset of this name.
        """
        row = DatasetRow(owner=draft.owner, name=draft.name, created_at=at)
        _set(row, draft, open_from, at)
        with self._sessions() as db:
            db.add(row)
            db.flush()
            note(db, f"the dataset {draft.owner}/{draft.name}")
            db.refresh(row)
            return dataset_of(row)

    def change(self, dataset: Dataset, draft: DatasetDraft, open_from: int, at: datetime) -> None:
        """Give a dataset new details."""
        with self._sessions() as db:
            row = db.get(DatasetRow, dataset.id)
            if row is not None:
                _set(row, draft, open_from, at)

    def set_trashed(self, dataset: Dataset, at: datetime | None) -> bool:
        """Move a dataset to the trash, or (None) out of it; False: it was so already.

        Raises:
            RowClash: the owner has another dataset of this name by now.
        """
        was = DatasetRow.trashed_at.is_(None) if at else DatasetRow.trashed_at.is_not(None)
        with self._sessions() as db:
            this = update(DatasetRow).where(DatasetRow.id == dataset.id, was)
            return changed(db, this.values(trashed_at=at))

    def trashed_for(self, viewer: Person) -> tuple[Dataset, ...]:
        """Return the datasets in the trash that `viewer` owned, the last deleted first."""
        own = or_(owned_by(viewer, DATASETS), shared_with(viewer, Role.OWNER, shelf=DATASETS))
        wanted = select(DatasetRow).where(own, DatasetRow.trashed_at.is_not(None))
        with self._sessions() as db:
            rows = db.scalars(wanted.order_by(DatasetRow.trashed_at.desc(), DatasetRow.id.desc()))
            return tuple(map(dataset_of, rows))

    def purge(self, before: datetime) -> int:
        """Forget the datasets that went to the trash before a time."""
        with self._sessions() as db:
            # At one go: one that is restored at this moment stays.
            return count_changed(db, delete(DatasetRow).where(DatasetRow.trashed_at < before))

    def members(self, dataset: Dataset) -> tuple[Membership, ...]:
        """Return whom a dataset is shared with, people first, by name."""
        wanted = select(DatasetMemberRow).where(DatasetMemberRow.dataset_id == dataset.id)
        order = (DatasetMemberRow.kind.desc(), DatasetMemberRow.name)
        with self._sessions() as db:
            return tuple(map(_membership, db.scalars(wanted.order_by(*order))))

    def put_member(self, dataset: Dataset, member: Member, *, by: str, at: datetime) -> Membership:
        """Add a member, or give one another role."""
        row = DatasetMemberRow(
            dataset_id=dataset.id,
            kind=member.kind.value,
            name=member.name,
            role=member.role.value,
            added_by=by,
            added_at=at,
        )
        with self._sessions() as db:
            return _membership(db.merge(row))

    def remove_member(self, dataset: Dataset, kind: MemberKind, name: str) -> bool:
        """Take a member away; False: there was none."""
        this = (DatasetMemberRow.kind == kind, DatasetMemberRow.name == name)
        with self._sessions() as db:
            of = DatasetMemberRow.dataset_id == dataset.id
            return changed(db, delete(DatasetMemberRow).where(of, *this))

    def forget(self, person: str) -> None:
        """Take a person away from all datasets: another of the same name must not come in."""
        this = (DatasetMemberRow.kind == MemberKind.PERSON, DatasetMemberRow.name == person)
        with self._sessions() as db:
            db.execute(delete(DatasetMemberRow).where(*this))


def dataset_of(row: DatasetRow) -> Dataset:
    """Return what a row says, frozen."""
    return Dataset(
        id=row.id,
        owner=row.owner,
        name=row.name,
        title=row.title,
        description=row.description,
        tags=tuple(row.tags),
        visibility=Visibility(row.visibility),
        licence=row.licence,
        version=row.version,
        files_count=row.files_count,
        size_bytes=row.size_bytes,
        open_from=row.open_from,
        created_at=row.created_at,
        updated_at=row.updated_at,
        trashed_at=row.trashed_at,
        members=tuple(
            Member(MemberKind(one.kind), one.name, Role(one.role)) for one in row.members
        ),
    )


def _set(row: DatasetRow, draft: DatasetDraft, open_from: int, at: datetime) -> None:
    row.title, row.description = draft.title, draft.description
    row.tags, row.licence = list(draft.tags), draft.licence
    row.visibility, row.open_from, row.updated_at = draft.visibility.value, open_from, at
    tags = [f"#{tag}#" for tag in draft.tags]
    row.words = words_in(row.owner, row.name, draft.title, draft.description, tags)


def _membership(row: DatasetMemberRow) -> Membership:
    member = Member(MemberKind(row.kind), row.name, Role(row.role))
    return Membership(member, row.added_by, row.added_at)
