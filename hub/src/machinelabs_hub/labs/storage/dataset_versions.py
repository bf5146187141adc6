"""The index of versions of datasets and of their files. Every method is one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, case, func, insert, or_, select, true
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.datasets import (
    DatasetFileRow,
    DatasetRow,
    DatasetUploadFileRow,
    DatasetUploadRow,
    DatasetVersionRow,
    RunDatasetRow,
)
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.runs import RunRow
from machinelabs_hub.labs.models.dataset import Dataset, DatasetFile, Use, Version
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.storage.idempotency import note
from machinelabs_hub.labs.storage.listing import listed, owned_by, shared_with

_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to add; it gets the dataset's next number."""

    author: str
    message: str
    files: Sequence[DatasetFile]
    at: datetime
    source: str = ""
    upload: str = ""
    """The upload that ends with it."""


class VersionTable:
    """Rows of versions. Who may see them is the services' to decide."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def add(self, dataset: Dataset, new: NewVersion) -> Version:
        """Add a version.

        Raises:
            RowClash: another got this number at the same moment.
        """
        with self._sessions() as db:
            parent = db.get_one(DatasetRow, dataset.id)
            size = sum(file.size for file in new.files)
            row = DatasetVersionRow(
                dataset_id=parent.id,
                number=parent.version + 1,
                author=new.author,
                message=new.message,
                source=new.source,
                created_at=new.at,
                files_count=len(new.files),
                size_bytes=size,
            )
            db.add(row)
            db.flush()
            for start in range(0, len(new.files), _AT_ONCE):
                some = new.files[start : start + _AT_ONCE]
                values = [
                    {
                        "version_id": row.id,
                        "path": file.path,
                        "size_bytes": file.size,
                        "sha256": file.sha256,
                    }
                    for file in some
                ]
                db.execute(insert(DatasetFileRow), values)
            parent.version, parent.files_count, parent.size_bytes = row.number, len(new.files), size
            parent.updated_at = new.at
            if new.upload and (upload := db.get(DatasetUploadRow, new.upload)):
                db.delete(upload)
            note(db, f"{dataset.path}@v{row.number}")
            db.flush()
            return _version(row)

    def find(self, dataset: Dataset, number: int) -> Version | None:
        """Return a version, or None."""
        here = (DatasetVersionRow.dataset_id == dataset.id, DatasetVersionRow.number == number)
        with self._sessions() as db:
            row = db.scalar(select(DatasetVersionRow).where(*here))
            return None if row is None else _version(row)

    def get(self, version_id: int) -> Version | None:
        """Return a version by its row, or None."""
        with self._sessions() as db:
            row = db.get(DatasetVersionRow, version_id)
            return None if row is None else _version(row)

    def page(
        self, dataset: Dataset, *, first: int, before: int | None, limit: int
    ) -> tuple[Version, ...]:
        """Return versions from number `first` on, the newest first."""
        row = DatasetVersionRow
        wanted = select(row).where(row.dataset_id == dataset.id, row.number >= first)
        if before is not None:
            wanted = wanted.where(row.number < before)
        with self._sessions() as db:
            rows = db.scalars(wanted.order_by(row.number.desc()).limit(limit))
            return tuple(map(_version, rows))

    def files(
        self, version_id: int, *, after: str = "", limit: int | None = None
    ) -> tuple[DatasetFile, ...]:
        """Return files of a version by path, after the path `after`."""
        wanted = select(DatasetFileRow).where(DatasetFileRow.version_id == version_id)
        if after:
            wanted = wanted.where(DatasetFileRow.path > after)
        with self._sessions() as db:
            rows = db.scalars(wanted.order_by(DatasetFileRow.path).limit(limit))
            return tuple(map(_file, rows))

    def file(self, version_id: int, path: str) -> DatasetFile | None:
        """Return the file of this path, or None."""
        with self._sessions() as db:
            row = db.get(DatasetFileRow, (version_id, path))
            return None if row is None else _file(row)

    def contents(self, dataset: Dataset) -> dict[str, int]:
        """Return all contents that any version of a dataset holds, with their sizes."""
        wanted = select(DatasetFileRow.sha256, DatasetFileRow.size_bytes).distinct()
        wanted = wanted.join(
            DatasetVersionRow, DatasetVersionRow.id == DatasetFileRow.version_id
        ).where(DatasetVersionRow.dataset_id == dataset.id)
        with self._sessions() as db:
            return {row.sha256: row.size_bytes for row in db.execute(wanted)}

    def held_by(self, person: str) -> int:
        """Return how many bytes a person keeps in datasets.

        Each content counts once a dataset, for whoever brought it there first. What is being
        uploaded counts; what is in the trash does not.
        """
        kept = _brought(person).where(DatasetRow.trashed_at.is_(None)).subquery()
        upload, coming = DatasetUploadRow, DatasetUploadFileRow
        # What the dataset has counts already, for this person or another.
        here = select(DatasetFileRow.sha256).join(
            DatasetVersionRow, DatasetVersionRow.id == DatasetFileRow.version_id
        )
        here = here.where(
            DatasetVersionRow.dataset_id == upload.dataset_id,
            DatasetFileRow.sha256 == coming.sha256,
        )
        wanted = select(coming.upload_id, coming.sha256, coming.size_bytes).distinct()
        wanted = wanted.join(upload, upload.id == coming.upload_id)
        on_the_way = wanted.where(upload.person == person, ~here.exists()).subquery()
        with self._sessions() as db:
            return _sum(db, kept.c.size_bytes) + _sum(db, on_the_way.c.size_bytes)

    def brought_by(self, person: str, dataset: Dataset) -> int:
        """Return how many bytes of a dataset count for a person, also in the trash."""
        kept = _brought(person).where(DatasetRow.id == dataset.id).subquery()
        with self._sessions() as db:
            return _sum(db, kept.c.size_bytes)

    def known(self, hashes: Iterable[str]) -> frozenset[str]:
        """Return those of these blobs that a dataset holds, or that are uploaded for one."""
        asked = tuple(hashes)
        with self._sessions() as db:
            kept = select(DatasetFileRow.sha256).where(DatasetFileRow.sha256.in_(asked))
            coming = DatasetUploadFileRow.sha256
            on_the_way = select(coming).where(coming.in_(asked))
            return frozenset((*db.scalars(kept), *db.scalars(on_the_way)))

    def all(self) -> Iterator[tuple[str, str, int]]:
        """Return name, content and size of every file of every version."""
        version, file = DatasetVersionRow, DatasetFileRow
        named = (DatasetRow.owner, DatasetRow.name, version.number)
        wanted = select(*named, file.path, file.sha256, file.size_bytes)
        wanted = wanted.join(version, version.id == file.version_id)
        wanted = wanted.join(DatasetRow, DatasetRow.id == version.dataset_id)
        with self._sessions() as db:
            for owner, name, number, path, sha256, size in db.execute(wanted):
                yield f"{owner}/{name}@v{number}: {path}", sha256, size

    def uses(self, run: Run) -> tuple[Use, ...]:
        """Return the versions that a run uses."""
        wanted = select(RunDatasetRow).where(RunDatasetRow.run_id == run.id)
        with self._sessions() as db:
            rows = db.scalars(wanted.order_by(RunDatasetRow.place))
            return tuple(Use(row.called, row.version_id, row.at) for row in rows)

    def users(
        self, dataset: Dataset, viewer: Person | None, *, first: int, limit: int
    ) -> tuple[str, ...]:
        """Return the labs whose runs use a dataset, as far as `viewer` sees them in a list."""
        versions = select(DatasetVersionRow.id).where(
            DatasetVersionRow.dataset_id == dataset.id, DatasetVersionRow.number >= first
        )
        runs = select(RunRow.id).join(RunDatasetRow, RunDatasetRow.run_id == RunRow.id)
        runs = runs.where(RunDatasetRow.version_id.in_(versions), RunRow.hidden_at.is_(None))
        runs = runs.where(RunRow.lab_id == LabRow.id, _run_seen(viewer))
        labs = select(LabRow.owner, LabRow.name).where(
            runs.exists(), LabRow.trashed_at.is_(None), listed(viewer)
        )
        with self._sessions() as db:
            rows = db.execute(labs.order_by(LabRow.updated_at.desc()).limit(limit))
            return tuple(f"{owner}/{name}" for owner, name in rows)


def add_uses(db: Session, run_id: int, uses: Iterable[Use]) -> None:
    """Add what a run uses in the transaction that adds the run."""
    db.add_all(
        RunDatasetRow(
            run_id=run_id, place=place, version_id=use.version_id, called=use.called, at=use.at
        )
        for place, use in enumerate(uses)
    )


def _brought(person: str) -> Select[int, str, int]:
    """Return the contents that a person was the first to bring into a dataset."""
    version, file = DatasetVersionRow, DatasetFileRow
    theirs = select(version.dataset_id).where(version.author == person)
    # A content has one size.
    size, number = func.max(file.size_bytes), func.min(version.number)
    first = select(
        version.dataset_id, file.sha256, size.label("size_bytes"), number.label("number")
    )
    first = first.join(version, version.id == file.version_id)
    first = first.where(version.dataset_id.in_(theirs))
    began = first.group_by(version.dataset_id, file.sha256).subquery()
    brought = select(began.c.dataset_id, began.c.sha256, began.c.size_bytes)
    same = (version.dataset_id == began.c.dataset_id, version.number == began.c.number)
    brought = brought.join(version, and_(*same))
    brought = brought.join(DatasetRow, DatasetRow.id == version.dataset_id)
    return brought.where(version.author == person)


def _run_seen(viewer: Person | None) -> ColumnElement[bool]:
    """Be true of a run of a revision that `models.access.first_open` lets `viewer` read."""
    first = case((LabRow.open_from > 0, LabRow.open_from), else_=LabRow.revision)
    since = RunRow.revision >= first
    if viewer is None or viewer.is_service:
        return since
    if viewer.admin:
        return true()
    return or_(since, owned_by(viewer), shared_with(viewer))


def _sum(db: Session, column: ColumnElement[int]) -> int:
    return int(db.scalar(select(func.coalesce(func.sum(column), 0))) or 0)


def _version(row: DatasetVersionRow) -> Version:
    return Version(
        id=row.id,
        number=row.number,
        author=row.author,
        message=row.message,
        source=row.source,
        created_at=row.created_at,
        files_count=row.files_count,
        size_bytes=row.size_bytes,
    )


def _file(row: DatasetFileRow) -> DatasetFile:
    return DatasetFile(row.path, row.size_bytes, row.sha256)
