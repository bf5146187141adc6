"""What was asked once and must not be done twice, and sign-ins of programs under way."""

from datetime import datetime

from sqlalchemy import Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc


class IdempotencyRow(Base):
    """The answer to a create that carried an `Idempotency-Key`."""

    __tablename__ = "idempotency_keys"

    person: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what was asked: another request with the same key is refused."""
    status: Mapped[int | None] = mapped_column(Integer)
    """None while the first request is under way."""
    body: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(Utc, index=True)


class HandshakeRow(Base):
    """A program that waits for its person to say yes in a browser (`ml login`)."""

    __tablename__ = "handshakes"

    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of what the program holds."""
    code: Mapped[str] = mapped_column(String(16), unique=True)
    """What the program and the page both show."""
    device: Mapped[str] = mapped_column(String(200))
    person: Mapped[str | None] = mapped_column(String(255))
    token: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The token, sealed, from the yes until the program fetched it."""
    expires_at: Mapped[datetime] = mapped_column(Utc, index=True)
