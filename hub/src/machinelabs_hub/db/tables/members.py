"""Who besides its owner may do what with a lab, and where a lab was. The labs service writes."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc


class MemberRow(Base):
    """A person or a group that a lab is shared with."""

    __tablename__ = "lab_members"

    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    """`person` or `group`."""
    name: Mapped[str] = mapped_column(String(255), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(8))
    """`viewer`, `runner`, `editor` or `owner`."""
    added_by: Mapped[str] = mapped_column(String(255))
    added_at: Mapped[datetime] = mapped_column(Utc)


class FormerAddressRow(Base):
    """An address that a lab had before it was renamed or moved; it leads there still."""

    __tablename__ = "former_addresses"

    owner: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"), index=True)
    left_at: Mapped[datetime] = mapped_column(Utc)
