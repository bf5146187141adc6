"""Cards, claims and the line for them. The Hub writes."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from machinelabs_hub.db.base import Base, Utc


class CardRow(Base):
    """A GPU or MIG instance as it was last reported."""

    __tablename__ = "cards"

    uuid: Mapped[str] = mapped_column(String(96), primary_key=True)
    node: Mapped[str] = mapped_column(String(255), default="")
    model: Mapped[str] = mapped_column(String(120))
    memory_mib: Mapped[int] = mapped_column(Integer)
    parent: Mapped[str] = mapped_column(String(96), default="")
    profile: Mapped[str] = mapped_column(String(32), default="")
    health: Mapped[str] = mapped_column(String(8), default="ok")
    """`ok`, `drained` or `failed`."""
    why: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime] = mapped_column(Utc)
    """When `health` last changed."""
    seen_at: Mapped[datetime] = mapped_column(Utc)


class ClaimRow(Base):
    """Devices that one server holds, or held: rows stay when they end."""

    __tablename__ = "claims"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user: Mapped[str] = mapped_column(String(255), index=True)
    server: Mapped[str] = mapped_column(String(255), default="")
    flavour: Mapped[str] = mapped_column(String(64))
    share: Mapped[int] = mapped_column(Integer, default=1)
    reservation: Mapped[int] = mapped_column(Integer, default=0)
    """The reservation that it is a slot of; 0: none."""
    granted_at: Mapped[datetime] = mapped_column(Utc)
    waited_seconds: Mapped[float | None]
    """How long its start stood in the line; None: it never did, the engine held it already."""
    container: Mapped[str] = mapped_column(String(64), default="")
    ready_at: Mapped[datetime | None] = mapped_column(Utc)
    opened_at: Mapped[datetime | None] = mapped_column(Utc)
    ended_at: Mapped[datetime | None] = mapped_column(Utc, index=True)
    why: Mapped[str] = mapped_column(String(32), default="")
    """What ended it: `stopped`, `idle`, `unopened`, `hours`, `failed`, `gone`, `not_started`."""
    devices: Mapped[list["ClaimDeviceRow"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )


class ClaimDeviceRow(Base):
    """One device of a claim."""

    __tablename__ = "claim_devices"

    claim_id: Mapped[str] = mapped_column(
        ForeignKey("claims.id", ondelete="CASCADE"), primary_key=True
    )
    uuid: Mapped[str] = mapped_column(String(96), primary_key=True, index=True)


class WaitRow(Base):
    """Somebody in the line. The row goes when the wait ends, however it ends."""

    __tablename__ = "waits"

    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    server: Mapped[str] = mapped_column(String(255), primary_key=True, default="")
    flavour: Mapped[str] = mapped_column(String(64))
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The start's `user_options`: what a hub that starts anew asks for again."""
    groups: Mapped[list[str]] = mapped_column(JSON)
    """The person's groups when they came: whose reservations are theirs."""
    weight: Mapped[float]
    since: Mapped[datetime] = mapped_column(Utc)
    late_seconds: Mapped[float] = mapped_column(default=0.0)
    """By how much recent use puts them back: they stand as if they had come so much later."""
    position: Mapped[int] = mapped_column(Integer, default=0)
    expected_at: Mapped[datetime | None] = mapped_column(Utc)
    why: Mapped[str] = mapped_column(Text, default="")
    """A sentence: why one waits."""
