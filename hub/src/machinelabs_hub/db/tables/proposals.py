"""A fork's changes offered to its parent, and what is said of them. The labs service writes."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc
from machinelabs_hub.db.tables.labs import Serial


class ProposalRow(Base):
    """An offer to one lab, numbered within that lab: #1, #2 and so on."""

    __tablename__ = "proposals"
    __table_args__ = (
        UniqueConstraint("lab_id", "number"),
        Index("ix_proposals_state", "lab_id", "state", "number"),
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    fork_id: Mapped[int | None] = mapped_column(
        ForeignKey("labs.id", ondelete="SET NULL"), index=True
    )
    """The fork that offers; None when it is purged."""
    fork_owner: Mapped[str] = mapped_column(String(255))
    fork_name: Mapped[str] = mapped_column(String(64))
    revision: Mapped[int] = mapped_column(Integer)
    """The fork's revision that is offered."""
    commit_id: Mapped[str] = mapped_column(String(64))
    """That revision in the store, so that it can be read when the fork is gone."""
    base: Mapped[int] = mapped_column(Integer)
    """The lab's revision up to which the fork had all that the lab has."""
    base_commit: Mapped[str] = mapped_column(String(64))
    """The state that both the lab and what is offered come from."""
    author: Mapped[str] = mapped_column(String(255), index=True)
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16))
    """`open`, `merged`, `declined` or `withdrawn`."""
    created_at: Mapped[datetime] = mapped_column(Utc)
    updated_at: Mapped[datetime] = mapped_column(Utc)
    closed_at: Mapped[datetime | None] = mapped_column(Utc)
    closed_by: Mapped[str | None] = mapped_column(String(255))
    merged_revision: Mapped[int | None] = mapped_column(Integer)
    """The revision of the lab that the merge made."""


class ProposalCommentRow(Base):
    """What somebody said of a proposal, or of one cell in it."""

    __tablename__ = "proposal_comments"

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    proposal_id: Mapped[int] = mapped_column(
        ForeignKey("proposals.id", ondelete="CASCADE"), index=True
    )
    author: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    path: Mapped[str | None] = mapped_column(Text)
    """The file that it is about; None: the whole."""
    cell: Mapped[str | None] = mapped_column(String(64))
    """The id of the cell that it is about."""
    created_at: Mapped[datetime] = mapped_column(Utc)
