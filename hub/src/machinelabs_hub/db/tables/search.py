"""The words that labs are found by. The labs service alone writes this table.

What the database makes of them to find them fast - FTS5's `lab_words` on SQLite, the column
`document` on PostgreSQL - it keeps by itself, in the same transaction: see migration 0003.
"""

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from machinelabs_hub.db.base import Base

MADE_BY_THE_DATABASE = ("lab_words", "document", "ix_lab_texts_document")
"""Names, or beginnings of names, that no table of the code has."""


class LabTextRow(Base):
    """What one lab says, as `models.texts.folded` has it, the weightiest first."""

    __tablename__ = "lab_texts"

    lab_id: Mapped[int] = mapped_column(ForeignKey("labs.id", ondelete="CASCADE"), primary_key=True)
    heading: Mapped[str] = mapped_column(Text)
    """Owner, name and title."""
    tags: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)
    readme: Mapped[str] = mapped_column(Text)
    notebook: Mapped[str] = mapped_column(Text)
