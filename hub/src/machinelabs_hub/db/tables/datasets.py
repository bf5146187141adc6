"""Datasets, their versions and files, and what is being uploaded. The labs service writes."""

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from machinelabs_hub.db.base import Base, Utc
from machinelabs_hub.db.tables.labs import Serial

_LIVE = text("trashed_at IS NULL")


class DatasetMemberRow(Base):
    """A person or a group that a dataset is shared with."""

    __tablename__ = "dataset_members"

    dataset_id: Mapped[int] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    """`person` or `group`."""
    name: Mapped[str] = mapped_column(String(255), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(8))
    added_by: Mapped[str] = mapped_column(String(255))
    added_at: Mapped[datetime] = mapped_column(Utc)


class DatasetRow(Base):
    """A dataset; its files are those of its versions."""

    __tablename__ = "datasets"
    __table_args__ = (
        # A name in the trash is free for another dataset.
        Index(
            "uq_datasets_owner_name",
            "owner",
            "name",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
        Index("ix_datasets_updated", "visibility", "updated_at", "id"),
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    owner: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[list[str]] = mapped_column(JSON)
    words: Mapped[str] = mapped_column(Text)
    """All that a search looks into, in small letters."""
    visibility: Mapped[str] = mapped_column(String(16))
    licence: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer, default=0)
    """Number of the newest; 0: there is none yet."""
    files_count: Mapped[int] = mapped_column(Integer, default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    open_from: Mapped[int] = mapped_column(Integer, default=0)
    """The first version that others than its members may read; 0: it was never open."""
    created_at: Mapped[datetime] = mapped_column(Utc)
    updated_at: Mapped[datetime] = mapped_column(Utc)
    trashed_at: Mapped[datetime | None] = mapped_column(Utc, index=True)

    members: Mapped[list[DatasetMemberRow]] = relationship(
        lazy="selectin",
        order_by=(DatasetMemberRow.kind.desc(), DatasetMemberRow.name),
        viewonly=True,
    )


class DatasetVersionRow(Base):
    """One state of a dataset, which never changes."""

    __tablename__ = "dataset_versions"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    author: Mapped[str] = mapped_column(String(255), index=True)
    """Against whose storage what it brings counts."""
    message: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(String(400), default="")
    """The run that put it out, `OWNER/LAB#12`; empty: it was uploaded."""
    created_at: Mapped[datetime] = mapped_column(Utc)
    files_count: Mapped[int] = mapped_column(Integer)
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class DatasetFileRow(Base):
    """One file of a version; its content is the blob that `sha256` names."""

    __tablename__ = "dataset_files"

    version_id: Mapped[int] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="CASCADE"), primary_key=True
    )
    path: Mapped[str] = mapped_column(String(1024), primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)


class DatasetUploadRow(Base):
    """A version that is on its way: what it will hold is said, some of it is here."""

    __tablename__ = "dataset_uploads"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    dataset_id: Mapped[int] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), index=True
    )
    person: Mapped[str] = mapped_column(String(255), index=True)
    message: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(Utc, index=True)


class DatasetUploadFileRow(Base):
    """One file of an upload."""

    __tablename__ = "dataset_upload_files"

    upload_id: Mapped[str] = mapped_column(
        ForeignKey("dataset_uploads.id", ondelete="CASCADE"), primary_key=True
    )
    path: Mapped[str] = mapped_column(String(1024), primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    is_here: Mapped[bool] = mapped_column(default=False)


class RunDatasetRow(Base):
    """A version of a dataset that a run uses: one file of it as an input, or mounted whole."""

    __tablename__ = "run_datasets"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Among those of its run, from 0."""
    version_id: Mapped[int | None] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="SET NULL"), index=True
    )
    """None: it was purged."""
    called: Mapped[str] = mapped_column(String(400))
    """`OWNER/NAME@v3`, as it was called then."""
    at: Mapped[str] = mapped_column(String(1024), default="")
    """Where it lies in the run's folder; empty: only a file of it is an input."""
