"""What runs take in, and what was fetched for them. The labs service writes."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc


class RunInputRow(Base):
    """One file that a run finds in `inputs/`."""

    __tablename__ = "run_inputs"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Among the inputs of its run, from 0."""
    name: Mapped[str] = mapped_column(String(1024))
    url: Mapped[str] = mapped_column(Text)
    """`https://…`, `http://…` or `run:OWNER/LAB#12/PATH`."""
    asked: Mapped[str] = mapped_column(String(64), default="")
    """The SHA-256 that it must have; empty: any."""
    sha256: Mapped[str] = mapped_column(String(64), default="", index=True)
    """Of what the run got; of another run's output it is known from the order on."""
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)


class FetchedRow(Base):
    """What an address of the web held when it was asked last; the content is in DATA/inputs."""

    __tablename__ = "fetched_inputs"

    url_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the address: one may hold a secret."""
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    etag: Mapped[str] = mapped_column(Text, default="")
    last_modified: Mapped[str] = mapped_column(Text, default="")
    fetched_at: Mapped[datetime] = mapped_column(Utc)
    used_at: Mapped[datetime] = mapped_column(Utc, index=True)
