"""Ask for labs, and get them a page at a time."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")

DEFAULT_LIMIT = 24
MOST = 100


class Sort(StrEnum):
    """What comes first."""

    NEWEST = "newest"
    UPDATED = "updated"
    FORKS = "forks"


@dataclass(frozen=True, slots=True)
class LabQuery:
    """Which labs, in which order, from where on."""

    q: str = ""
    tag: str = ""
    owner: str = ""
    sort: Sort = Sort.NEWEST
    cursor: str = ""
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items and where the next ones begin (None: these were the last)."""

    items: tuple[T, ...]
    next: str | None
