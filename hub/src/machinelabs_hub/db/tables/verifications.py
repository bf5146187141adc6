"""What came of verifying revisions, and the most that runs used. The labs service writes."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc
from machinelabs_hub.db.tables.labs import Serial


class VerificationRow(Base):
    """One run that says whether a revision runs clean; it outlives the run."""

    __tablename__ = "verifications"
    __table_args__ = (Index("ix_verifications_lab", "lab_id", "revision", "id"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"))
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("runs.id", ondelete="SET NULL"), unique=True
    )
    number: Mapped[int] = mapped_column(Integer)
    """The number that the run has, or had."""
    revision: Mapped[int] = mapped_column(Integer)
    person: Mapped[str] = mapped_column(String(255))
    """Who asked for it."""
    asked_at: Mapped[datetime] = mapped_column(Utc)
    verdict: Mapped[str] = mapped_column(String(16), index=True)
    """`pending`, `clean`, `differs`, `failed`, or `void`: the run says nothing of the lab."""
    sentence: Mapped[str] = mapped_column(Text, default="")
    path: Mapped[str] = mapped_column(Text)
    image: Mapped[str] = mapped_column(String(64))
    image_id: Mapped[str] = mapped_column(String(80), default="")
    flavour: Mapped[str] = mapped_column(String(64))
    gpu: Mapped[str] = mapped_column(String(255), default="")
    """The class of GPU that it had; empty: none."""
    inputs: Mapped[dict[str, str]] = mapped_column(JSON)
    """The SHA-256 of what it took in, by address."""
    cells: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """What came of each cell."""
    ended_at: Mapped[datetime | None] = mapped_column(Utc)


class RunPeakRow(Base):
    """The most that a run used at a moment."""

    __tablename__ = "run_peaks"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    memory_mib: Mapped[int] = mapped_column(Integer, default=0)
    gpu_memory_mib: Mapped[int] = mapped_column(Integer, default=0)
    """0: it had no GPU, or nobody looked."""
