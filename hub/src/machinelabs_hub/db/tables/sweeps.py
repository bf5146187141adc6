"""Sweeps: runs of a lab that were ordered together, one for each combination of values.

The labs service writes.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc
from machinelabs_hub.db.tables.labs import Serial


class SweepRow(Base):
    """One order of several runs, numbered within its lab."""

    __tablename__ = "sweeps"
    __table_args__ = (UniqueConstraint("lab_id", "number"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(200), default="")
    revision: Mapped[int] = mapped_column(Integer)
    path: Mapped[str] = mapped_column(Text)
    grid: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The values of each parameter that has several, by name."""
    created_at: Mapped[datetime] = mapped_column(Utc)


class SweepRunRow(Base):
    """Which sweep a run is of."""

    __tablename__ = "sweep_runs"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    sweep_id: Mapped[int] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), index=True)
