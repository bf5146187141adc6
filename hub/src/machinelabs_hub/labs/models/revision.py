"""A revision: one immutable, numbered state of a lab, and its files."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """One numbered state of a lab; `commit` is its id in the store and never shown."""

    number: int
    message: str
    author: str
    created_at: datetime
    size_bytes: int
    files_count: int
    commit: str


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a revision; `blob` is the id of its content in the store (a cache key)."""

    path: str
    size: int
    sha256: str
    blob: str
    executable: bool = False

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]
