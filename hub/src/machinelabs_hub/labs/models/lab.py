"""A lab: what it is called, who may see it, where it came from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Visibility(StrEnum):
    """Who may read a lab: everybody, everybody who knows its address, or its owner."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Parent:
    """The revision that a lab was forked from; it is named also when that lab is gone.

    Attributes:
        exists: False when the lab is gone or in the trash.
        is_private: only its owner may know of it.
    """

    owner: str
    name: str
    revision: int
    exists: bool = True
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab in its newest state.

    Attributes:
        id: the row's number; never shown.
        uid: the name of its ref in the store; never shown.
        store: the store of its lineage; never shown.
        revision: number of the newest revision.
        forks: how many forks of it are public.
        trashed_at: when it went to the trash; None: it is not there.
    """

    id: int
    uid: str
    store: str
    owner: str
    name: str
    title: str
    description: str
    tags: tuple[str, ...]
    visibility: Visibility
    licence: str
    image: str | None
    flavour: str | None
    entrypoint: str | None
    revision: int
    parent: Parent | None
    forks: int
    created_at: datetime
    updated_at: datetime
    files_count: int
    size_bytes: int
    trashed_at: datetime | None = None

    @property
    def path(self) -> str:
        """`owner/name`, as in every address."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class LabDraft:
    """What a person says of a lab to be; an empty name is made from the title."""

    title: str
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    visibility: Visibility = Visibility.PRIVATE
    licence: str = "MIT"
    image: str | None = None
    flavour: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class LabChange:
    """New details of a lab; None leaves one as it is, an empty image or flavour clears it."""

    title: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    visibility: Visibility | None = None
    licence: str | None = None
    image: str | None = None
    flavour: str | None = None
