"""What a server's people are told: it will stop, and why. The Hub writes."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc


class NoticeRow(Base):
    """One thing that JupyterLab shows to whoever has the server open."""

    __tablename__ = "notices"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user: Mapped[str] = mapped_column(String(255), index=True)
    server: Mapped[str] = mapped_column(String(255), default="")
    kind: Mapped[str] = mapped_column(String(16))
    """`idle`, `hours`, `share`, `card`, `reserved`, `account`."""
    sentence: Mapped[str] = mapped_column(Text)
    stops_at: Mapped[datetime | None] = mapped_column(Utc)
    """When the server (or what the sentence names) is stopped; None: it only tells."""
    at: Mapped[datetime] = mapped_column(Utc)
    final_at: Mapped[datetime | None] = mapped_column(Utc)
    """Since when what is open is saved, for the stop that follows; None: not yet."""
    ended_at: Mapped[datetime | None] = mapped_column(Utc)
    """When it ceased to hold."""
