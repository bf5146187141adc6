"""Accounts, links and identities. The Hub process alone writes these tables."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc

Serial = BigInteger().with_variant(Integer, "sqlite")


class AccountRow(Base):
    """A person who signs in with a password of this site."""

    __tablename__ = "accounts"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    password: Mapped[str] = mapped_column(String(255))
    """The argon2 hash, never the password."""
    display_name: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(Utc)
    password_at: Mapped[datetime] = mapped_column(Utc)
    signed_in_at: Mapped[datetime | None] = mapped_column(Utc)
    disabled_at: Mapped[datetime | None] = mapped_column(Utc)


class InvitationRow(Base):
    """A link with which people make accounts; only the hash of its token is kept."""

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str | None] = mapped_column(String(32))
    """The one name that it is for; None lets the person choose."""
    group: Mapped[str | None] = mapped_column("group_name", String(255))
    uses_left: Mapped[int]
    created_by: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(Utc)
    expires_at: Mapped[datetime] = mapped_column(Utc)


class ResetLinkRow(Base):
    """A link with which one person sets a new password, once."""

    __tablename__ = "reset_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), index=True)
    created_by: Mapped[str] = mapped_column(String(32))
    expires_at: Mapped[datetime] = mapped_column(Utc)


class FailureRow(Base):
    """One failed sign-in; people type passwords into the name field, so the name is hashed."""

    __tablename__ = "sign_in_failures"

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    name_hash: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Utc)

    __table_args__ = (Index(None, "address", "at"),)


class IdentityRow(Base):
    """Which person of this site an identity provider's subject is, for ever."""

    __tablename__ = "identities"

    provider: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    login: Mapped[str] = mapped_column(String(255))
    """What the provider called them when they first came."""
    name: Mapped[str] = mapped_column(String(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(Utc)


class FormerNameRow(Base):
    """The name of a deleted person whose labs or home are still here: nobody else gets it."""

    __tablename__ = "former_names"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    deleted_at: Mapped[datetime] = mapped_column(Utc)
    home_kept: Mapped[bool]
    labs_kept: Mapped[bool]
