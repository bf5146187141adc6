"""What was used: one row for each session and month. The Hub writes."""

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc


class UsageRow(Base):
    """The seconds that one server (or run) used in one calendar month, up to `until`."""

    __tablename__ = "usage"

    session: Mapped[str] = mapped_column(String(32), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    """`2026-11`, in UTC."""
    user: Mapped[str] = mapped_column(String(255), index=True)
    server: Mapped[str] = mapped_column(String(255), default="")
    kind: Mapped[str] = mapped_column(String(8), default="server")
    """`server` or `run`."""
    flavour: Mapped[str] = mapped_column(String(64))
    cards_numerator: Mapped[int] = mapped_column(Integer, default=0)
    cards_denominator: Mapped[int] = mapped_column(Integer, default=1)
    """How many cards it holds, as a fraction; 0/1: none."""
    since: Mapped[datetime] = mapped_column(Utc, index=True)
    until: Mapped[datetime] = mapped_column(Utc, index=True)
    """Charged up to here."""
    cpu_seconds: Mapped[float] = mapped_column(default=0.0)
    gpu_seconds: Mapped[float] = mapped_column(default=0.0)
    is_open: Mapped[bool] = mapped_column(default=True)
    """Whether the session goes on (in this month)."""
