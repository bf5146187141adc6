"""What runs measure: metrics, parameters and tags of their code. The labs service writes."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base


class RunTrackRow(Base):
    """How far the log of a run is in the two tables below."""

    __tablename__ = "run_tracks"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    """The last event that is."""


class RunMetricRow(Base):
    """One metric of a run: its last value, and its course in a bounded number of points."""

    __tablename__ = "run_metrics"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(250), primary_key=True)
    last: Mapped[float | None] = mapped_column(Float(53))
    """None: it is no number (NaN) or infinite."""
    course: Mapped[dict[str, Any]] = mapped_column(JSON)
    """As `labs/models/tracking.py` writes it."""


class RunValueRow(Base):
    """A parameter or a tag that the code of a run set."""

    __tablename__ = "run_values"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    """`param` or `tag`."""
    name: Mapped[str] = mapped_column(String(250), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
