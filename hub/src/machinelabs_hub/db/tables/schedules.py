"""When labs are run again and again, as whom. The labs service writes."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc
from machinelabs_hub.db.tables.labs import Serial


class ScheduleRow(Base):
    """Orders of runs of one lab to come, in the name of one person."""

    __tablename__ = "schedules"

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"), index=True)
    person: Mapped[str] = mapped_column(String(255), index=True)
    """In whose name and on whose hours it orders."""
    cron: Mapped[str] = mapped_column(String(200))
    zone: Mapped[str] = mapped_column(String(64))
    """The time zone whose clock the cron line follows, as Europe/Berlin."""
    draft: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What is ordered: revision (null: the newest), path, image, flavour, parameters, name, note"""
    created_at: Mapped[datetime] = mapped_column(Utc)
    next_at: Mapped[datetime | None] = mapped_column(Utc, index=True)
    """When it orders next; null: it is paused."""
    paused_by: Mapped[str] = mapped_column(String(255), default="")
    """Who paused it; empty: nobody, or the site."""
    last_at: Mapped[datetime | None] = mapped_column(Utc)
    """When its turn was last, ordered or not."""
    last_run: Mapped[int | None] = mapped_column(Integer)
    """The number of the run that it ordered last."""
    last_why: Mapped[str] = mapped_column(Text, default="")
    """Why it ordered nothing when its turn was last, or why the site paused it; empty: it did."""
