"""Runs of labs, their changes of state and what they put out. The labs service writes."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc
from machinelabs_hub.db.tables.labs import Serial


class RunRow(Base):
    """One execution of one revision of a lab, numbered within that lab: #1, #2 and so on.

    Its log is in the file that `id` names, never here.
    """

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("lab_id", "number"),
        Index("ix_runs_open", "is_settled", "id"),
        Index("ix_runs_person", "person", "state", "id"),
        # An id names a server and a folder, so it is never given twice.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    person: Mapped[str] = mapped_column(String(255))
    """Who started it: their hours, their server of the Hub."""
    name: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    revision: Mapped[int] = mapped_column(Integer)
    path: Mapped[str] = mapped_column(Text)
    """The notebook or script that is executed."""
    image: Mapped[str] = mapped_column(String(64))
    image_id: Mapped[str] = mapped_column(String(80), default="")
    """The site's build of the image when it was started, sha256:…; empty: not known."""
    flavour: Mapped[str] = mapped_column(String(64))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    """`queued`, `starting`, `running`, `finished`, `failed`, `stopped` or `lost`."""
    is_settled: Mapped[bool] = mapped_column(default=False)
    """Whether its state is final and its server is gone for certain."""
    created_at: Mapped[datetime] = mapped_column(Utc)
    started_at: Mapped[datetime | None] = mapped_column(Utc)
    """When the Hub took it."""
    running_at: Mapped[datetime | None] = mapped_column(Utc)
    """When its container began."""
    ended_at: Mapped[datetime | None] = mapped_column(Utc)
    silent_since: Mapped[datetime | None] = mapped_column(Utc)
    """Since when nobody can know how it is; None: one knows."""
    stop_at: Mapped[datetime | None] = mapped_column(Utc)
    """When it was ordered to stop."""
    stop_by: Mapped[str] = mapped_column(String(255), default="")
    """Who ordered it; empty: the site."""
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """Why it ended: sentence, cell, ename, evalue, traceback."""
    code_hash: Mapped[str] = mapped_column(String(64), default="")
    """Of the code that its container exchanges for a token, once."""
    token_hash: Mapped[str] = mapped_column(String(64), default="")
    is_to_hold: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether its container is to be held for a while if it fails."""
    held_until: Mapped[datetime | None] = mapped_column(Utc)
    """Until when its container is held, so that its person may look into it."""
    notebook: Mapped[str] = mapped_column(String(64), default="")
    """The blob of the executed notebook; empty: there is none."""
    notebook_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    hidden_at: Mapped[datetime | None] = mapped_column(Utc, index=True)
    """When somebody deleted it; it can be restored for some days."""
    hidden_by: Mapped[str] = mapped_column(String(255), default="")


class RunChangeRow(Base):
    """One change of a run's state: when, and why."""

    __tablename__ = "run_changes"

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(Utc)
    sentence: Mapped[str] = mapped_column(Text, default="")


class RunOutputRow(Base):
    """One file that a run put out; its content is the blob that `sha256` names."""

    __tablename__ = "run_outputs"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(String(1024), primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime] = mapped_column(Utc)
