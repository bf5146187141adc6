"""The index of versions that are on their way. Every method is one transaction."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, delete, func, insert, select, update

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.datasets import DatasetRow, DatasetUploadFileRow, DatasetUploadRow
from machinelabs_hub.labs.models.dataset import Dataset, DatasetFile, OpenUpload, Upload
from machinelabs_hub.labs.storage.idempotency import note
from machinelabs_hub.labs.storage.rows import count_changed


class UploadTable:
    """Rows of uploads, each of one person to one dataset."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def add(self, upload: Upload, files: Sequence[DatasetFile]) -> None:
        """Add an upload, and all that it will hold."""
        values = [
            {
                "upload_id": upload.id,
                "path": file.path,
                "size_bytes": file.size,
                "sha256": file.sha256,
                "is_here": file.is_here,
            }
            for file in files
        ]
        with self._sessions() as db:
            db.add(
                DatasetUploadRow(
                    id=upload.id,
                    dataset_id=upload.dataset_id,
                    person=upload.person,
                    message=upload.message,
                    created_at=upload.created_at,
                )
            )
            db.flush()
            db.execute(insert(DatasetUploadFileRow), values)
            note(db, f"the upload {upload.id}")

    def find(self, dataset: Dataset, upload_id: str) -> Upload | None:
        """Return an upload to a dataset, or None."""
        with self._sessions() as db:
            row = db.get(DatasetUploadRow, upload_id)
            if row is None or row.dataset_id != dataset.id:
                return None
            return Upload(row.id, row.dataset_id, row.person, row.message, row.created_at)

    def files(self, upload: Upload) -> tuple[DatasetFile, ...]:
        """Return what an upload will hold, by path."""
        row = DatasetUploadFileRow
        wanted = select(row).where(row.upload_id == upload.id).order_by(row.path)
        with self._sessions() as db:
            return tuple(
                DatasetFile(one.path, one.size_bytes, one.sha256, one.is_here)
                for one in db.scalars(wanted)
            )

    def content(self, upload: Upload, sha256: str) -> DatasetFile | None:
        """Return a file of an upload with this content, or None."""
        row = DatasetUploadFileRow
        wanted = select(row).where(row.upload_id == upload.id, row.sha256 == sha256).limit(1)
        with self._sessions() as db:
            one = db.scalar(wanted)
            if one is None:
                return None
            return DatasetFile(one.path, one.size_bytes, one.sha256, one.is_here)

    def set_here(self, upload: Upload, sha256: str) -> bool:
        """Note that a content came whole; False: the upload has none, or is gone."""
        row = DatasetUploadFileRow
        this = (row.upload_id == upload.id, row.sha256 == sha256)
        with self._sessions() as db:
            return count_changed(db, update(row).where(*this).values(is_here=True)) > 0

    def count_of(self, person: str) -> int:
        """Count the uploads of a person."""
        wanted = select(func.count()).where(DatasetUploadRow.person == person)
        with self._sessions() as db:
            return db.scalar(wanted) or 0

    def open_of(self, dataset: Dataset, person: str) -> tuple[OpenUpload, ...]:
        """Return a person's uploads to a dataset, the last begun first, and how far they are."""
        row, file = DatasetUploadRow, DatasetUploadFileRow
        lacking = func.coalesce(func.sum(case((file.is_here, 0), else_=1)), 0)
        counted = select(file.upload_id, func.count().label("files"), lacking.label("lacking"))
        each = counted.group_by(file.upload_id).subquery()
        wanted = select(row, each.c.files, each.c.lacking).join(each, each.c.upload_id == row.id)
        wanted = wanted.where(row.dataset_id == dataset.id, row.person == person)
        with self._sessions() as db:
            return tuple(
                OpenUpload(
                    Upload(one.id, one.dataset_id, one.person, one.message, one.created_at),
                    int(files),
                    int(left),
                )
                for one, files, left in db.execute(wanted.order_by(row.created_at.desc(), row.id))
            )

    def datasets_of(self, person: str) -> tuple[str, ...]:
        """Return the datasets, `OWNER/NAME`, to which a person has uploads."""
        wanted = select(DatasetRow.owner, DatasetRow.name).distinct()
        wanted = wanted.join(DatasetUploadRow, DatasetUploadRow.dataset_id == DatasetRow.id)
        wanted = wanted.where(DatasetUploadRow.person == person)
        with self._sessions() as db:
            return tuple(sorted(f"{owner}/{name}" for owner, name in db.execute(wanted)))

    def drop(self, upload: Upload) -> None:
        """Forget an upload."""
        with self._sessions() as db:
            db.execute(delete(DatasetUploadRow).where(DatasetUploadRow.id == upload.id))

    def forget(self, person: str) -> None:
        """Forget the uploads of a person."""
        with self._sessions() as db:
            db.execute(delete(DatasetUploadRow).where(DatasetUploadRow.person == person))

    def drop_before(self, at: datetime) -> int:
        """Forget the uploads that were begun before a time, and tell how many."""
        with self._sessions() as db:
            old = delete(DatasetUploadRow).where(DatasetUploadRow.created_at < at)
            return count_changed(db, old)

    def ids(self) -> frozenset[str]:
        """Return all uploads."""
        with self._sessions() as db:
            return frozenset(db.scalars(select(DatasetUploadRow.id)))
