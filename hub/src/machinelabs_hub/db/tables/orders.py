"""What people ordered of the site's GPUs and hours. The labs service writes; the Hub obeys."""

from datetime import datetime

from sqlalchemy import Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc


class DrainRow(Base):
    """A device that an admin keeps back until the row goes."""

    __tablename__ = "drains"

    uuid: Mapped[str] = mapped_column(String(96), primary_key=True)
    why: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[str] = mapped_column(String(255))
    at: Mapped[datetime] = mapped_column(Utc)


class ReturnRow(Base):
    """An admin's word that a failed device is well again: failures before `at` do not count."""

    __tablename__ = "card_returns"

    uuid: Mapped[str] = mapped_column(String(96), primary_key=True)
    by: Mapped[str] = mapped_column(String(255))
    at: Mapped[datetime] = mapped_column(Utc)


class ReservationRow(Base):
    """`slots` starts of a flavour kept for a group, once or again and again."""

    __tablename__ = "reservations"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(120), default="")
    group: Mapped[str] = mapped_column(String(255), index=True)
    flavour: Mapped[str] = mapped_column(String(64))
    slots: Mapped[int] = mapped_column(Integer)
    starts_at: Mapped[datetime] = mapped_column(Utc)
    ends_at: Mapped[datetime] = mapped_column(Utc)
    """The end of its first occurrence."""
    repeat: Mapped[str] = mapped_column(String(8), default="")
    """Empty, `daily` or `weekly`."""
    repeat_until: Mapped[datetime | None] = mapped_column(Utc)
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    """The time zone whose clock the repeats follow."""
    grace_minutes: Mapped[int] = mapped_column(Integer, default=15)
    """After so long what nobody took flows back to everybody."""
    by: Mapped[str] = mapped_column(String(255))
    at: Mapped[datetime] = mapped_column(Utc)


class HourGrantRow(Base):
    """Extra hours that an admin gave somebody, for one calendar month (UTC)."""

    __tablename__ = "hour_grants"

    id: Mapped[int] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(String(255), index=True)
    month: Mapped[str] = mapped_column(String(7))
    cpu_hours: Mapped[float] = mapped_column(default=0.0)
    gpu_hours: Mapped[float] = mapped_column(default=0.0)
    reason: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(255))
    at: Mapped[datetime] = mapped_column(Utc)


class KeepRow(Base):
    """A person's *Keep it*: the server counts as used at that moment."""

    __tablename__ = "keeps"

    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    server: Mapped[str] = mapped_column(String(255), primary_key=True, default="")
    at: Mapped[datetime] = mapped_column(Utc)


class ConfirmationRow(Base):
    """What a server was told and has confirmed: its browsers saved."""

    __tablename__ = "confirmations"

    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    server: Mapped[str] = mapped_column(String(255), primary_key=True, default="")
    notice: Mapped[str] = mapped_column(String(32))
    """The id of the notice that was confirmed."""
    at: Mapped[datetime] = mapped_column(Utc)
