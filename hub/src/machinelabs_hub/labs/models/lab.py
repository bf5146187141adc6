"""A lab: what it is called, who may see it, where it came from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from machinelabs_hub.labs.models.member import Member


class Visibility(StrEnum):
    """Who may read a lab besides its members.

    Everybody, everybody who knows its address, everybody who is signed in, nobody.
    """

    PUBLIC = "public"
    UNLISTED = "unlisted"
    SIGNED_IN = "signed-in"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Parent:
    """The revision that a lab was forked from; it is named also when that lab is gone.

    Attributes:
        exists: False when the lab is gone or in the trash.
        visibility: who may know of it; that of a lab that is gone is public.
        members: whom it is shared with.
        synced: its newest revision that is merged into the fork; None: only the forked one.
    """

    owner: str
    name: str
    revision: int
    exists: bool = True
    visibility: Visibility = Visibility.PUBLIC
    members: tuple[Member, ...] = ()
    synced: int | None = None

    @property
    def has(self) -> int:
        """The newest revision of it that the fork has."""
        return self.synced or self.revision


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab in its newest state.

    Attributes:
        id: the row's number; never shown.
        uid: the name of its ref in the store; never shown.
        store: the store of its lineage; never shown.
        owner: a person's name, or `@group`.
        revision: number of the newest revision.
        forks: how many forks of it are public.
        stars: how many people starred it.
        trend: how many stars and forks it got lately, as `models.trend` counts them.
        language: what it is written in, in lower case.
        has_outputs: its notebooks hold results.
        runs_clean: a verification of its newest revision holds today; False: it fails, or shows
            something else than is saved; None: nobody knows.
        featured_at: when an admin put it on the first page.
        trashed_at: when it went to the trash; None: it is not there.
        open_from: the first revision that others than its members may read; 0: it was never open.
        members: whom it is shared with; its owner is not among them.
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
    stars: int = 0
    trend: float = 0.0
    language: str | None = None
    has_outputs: bool = False
    runs_clean: bool | None = None
    featured_at: datetime | None = None
    trashed_at: datetime | None = None
    open_from: int = 1
    members: tuple[Member, ...] = ()

    @property
    def path(self) -> str:
        """`owner/name`, as in every address."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class LabDraft:
    """What a person says of a lab to be.

    An empty name is made from the title; an empty owner is the person.
    """

    title: str
    name: str = ""
    owner: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    visibility: Visibility = Visibility.PRIVATE
    licence: str = "MIT"
    image: str | None = None
    flavour: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class LabChange:
    """New details of a lab; None leaves one as it is, an empty image or flavour clears it.

    Attributes:
        whole_history: show also the revisions from before the lab was first opened.
    """

    title: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    visibility: Visibility | None = None
    licence: str | None = None
    image: str | None = None
    flavour: str | None = None
    whole_history: bool = False
