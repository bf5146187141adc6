"""Stars that people gave to labs. The labs service alone writes this table."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base, Utc


class StarRow(Base):
    """One person's star for one lab; `labs.stars` counts them."""

    __tablename__ = "stars"

    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"), primary_key=True)
    person: Mapped[str] = mapped_column(String(255), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(Utc, index=True)
