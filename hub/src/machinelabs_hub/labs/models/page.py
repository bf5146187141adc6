"""Ask for labs, and get them a page at a time."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")

DEFAULT_LIMIT = 24
MOST = 100


class Sort(StrEnum):
    """What comes first."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    UPDATED = "updated"
    STARS = "stars"
    FORKS = "forks"
    TRENDING = "trending"


@dataclass(frozen=True, slots=True)
class LabQuery:
    """Which labs, in which order, from where on; what is empty or None narrows nothing.

    Attributes:
        q: words that all stand in the lab; the last may be the beginning of one.
        starred_by: only labs that this person starred.
        sort: None: the best fit for words, else the newest.
    """

    q: str = ""
    tag: str = ""
    owner: str = ""
    image: str = ""
    flavour: str = ""
    language: str = ""
    licence: str = ""
    has_outputs: bool | None = None
    runs_clean: bool | None = None
    is_featured: bool | None = None
    starred_by: str = ""
    sort: Sort | None = None
    cursor: str = ""
    limit: int = DEFAULT_LIMIT

    @property
    def order(self) -> Sort:
        """What comes first; without words nothing fits better than anything else."""
        if self.sort is None or (self.sort is Sort.RELEVANCE and not self.q):
            return Sort.RELEVANCE if self.q else Sort.NEWEST
        return self.sort


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items and where the next ones begin (None: these were the last)."""

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet, and how many labs have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What labs can be narrowed by, with how many each leaves.

    Attributes:
        values: by facet (tag, image, flavour, language, licence, has_outputs, runs_clean), the
            most frequent first.
        is_bounded: there were more labs than are counted, so each number is the least it can be.
    """

    values: dict[str, tuple[FacetValue, ...]]
    is_bounded: bool = False
