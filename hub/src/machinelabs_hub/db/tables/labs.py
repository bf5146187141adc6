"""Labs, revisions, tags and people. The labs service alone writes these tables."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from machinelabs_hub.db.base import Base, Utc
from machinelabs_hub.db.tables.members import MemberRow
from machinelabs_hub.db.tables.search import LabTextRow

Serial = BigInteger().with_variant(Integer, "sqlite")
_LIVE = text("trashed_at IS NULL")


class LabRow(Base):
    """A lab; its content is in the store that `store` names, under the ref that `uid` names."""

    __tablename__ = "labs"
    __table_args__ = (
        # A name in the trash is free for another lab.
        Index(
            "uq_labs_owner_name",
            "owner",
            "name",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
        Index("ix_labs_newest", "visibility", "created_at", "id"),
        Index("ix_labs_updated", "visibility", "updated_at", "id"),
        Index("ix_labs_forks", "visibility", "forks", "id"),
        Index("ix_labs_stars", "visibility", "stars", "id"),
        Index("ix_labs_trend", "visibility", "trend", "id"),
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    store: Mapped[str] = mapped_column(String(32), index=True)
    owner: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    visibility: Mapped[str] = mapped_column(String(16))
    licence: Mapped[str] = mapped_column(String(64), index=True)
    image: Mapped[str | None] = mapped_column(String(64), index=True)
    flavour: Mapped[str | None] = mapped_column(String(64), index=True)
    entrypoint: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(Integer)
    files_count: Mapped[int] = mapped_column(Integer)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    forks: Mapped[int] = mapped_column(Integer, default=0)
    """How many forks are public and not in the trash."""
    stars: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    trend: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
    """How many stars and forks it got lately, as `models.trend` counts them."""
    language: Mapped[str | None] = mapped_column(String(32), index=True)
    """What its notebooks or scripts are written in, in lower case."""
    has_outputs: Mapped[bool] = mapped_column(default=False, server_default=false())
    runs_clean: Mapped[bool | None] = mapped_column()
    """Whether a verification of its newest revision holds today; None: nobody knows."""
    featured_at: Mapped[datetime | None] = mapped_column(Utc, index=True)
    """When an admin put it on the first page; None: nobody did."""
    open_from: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    """The first revision that others than its members may read; 0: it was never open."""
    parent_id: Mapped[int | None] = mapped_column(
        ForeignKey("labs.id", ondelete="SET NULL"), index=True
    )
    parent_owner: Mapped[str | None] = mapped_column(String(255))
    parent_name: Mapped[str | None] = mapped_column(String(64))
    parent_revision: Mapped[int | None] = mapped_column(Integer)
    parent_synced: Mapped[int | None] = mapped_column(Integer)
    """The parent's newest revision that is merged into this fork."""
    created_at: Mapped[datetime] = mapped_column(Utc)
    updated_at: Mapped[datetime] = mapped_column(Utc)
    trashed_at: Mapped[datetime | None] = mapped_column(Utc, index=True)

    tags: Mapped[list["LabTagRow"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="LabTagRow.position"
    )
    members: Mapped[list[MemberRow]] = relationship(
        lazy="selectin", order_by=(MemberRow.kind.desc(), MemberRow.name), viewonly=True
    )
    texts: Mapped[LabTextRow] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    parent: Mapped["LabRow | None"] = relationship(
        remote_side="LabRow.id", lazy="selectin", viewonly=True
    )


class LabTagRow(Base):
    """A tag of a lab, in the order in which the owner gave them."""

    __tablename__ = "lab_tags"

    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(32), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(Integer)


class RevisionRow(Base):
    """One numbered state of a lab; `commit_id` names it in the store."""

    __tablename__ = "revisions"
    __table_args__ = (UniqueConstraint("lab_id", "number"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    commit_id: Mapped[str] = mapped_column(String(64))
    author: Mapped[str] = mapped_column(String(255))
    message: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(Utc)
    files_count: Mapped[int] = mapped_column(Integer)
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class PersonRow(Base):
    """Somebody who used the labs at least once."""

    __tablename__ = "people"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    display_name: Mapped[str] = mapped_column(String(200), default="")
    joined_at: Mapped[datetime] = mapped_column(Utc)
    left_at: Mapped[datetime | None] = mapped_column(Utc)
    """When the account was deleted; its labs may have stayed."""
