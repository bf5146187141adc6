"""A dataset: named, versioned, read-only files that people share; how one names them. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.member import Member
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT
from machinelabs_hub.labs.models.paths import fault_of

SCHEME: Final = "dataset:"
_ADDRESS: Final = re.compile(
    r"([^/@\s][^/\s]{0,254}|@[^/\s]{1,254})/([a-z0-9-]{1,64})@v([1-9][0-9]{0,8})"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A version of a dataset: `OWNER/NAME@v3`. There is no newest: what is named never changes."""

    owner: str
    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}@v{self.version}"


@dataclass(frozen=True, slots=True)
class FileAddress:
    """A file of a version: `OWNER/NAME@v3/PATH`."""

    of: Address
    path: str


@dataclass(frozen=True, slots=True)
class Mount:
    """A version that a lab wants to find in its folder.

    Attributes:
        at: the folder in which its files are to lie, beside the lab's own.
    """

    dataset: Address
    at: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset in its newest state.

    Attributes:
        id: the row's number; never shown.
        owner: a person's name, or `@group`.
        version: number of the newest; 0: there is none yet.
        files_count: of the newest version, as `size_bytes`.
        open_from: the first version that others than its members may read; 0: it was never open.
    """

    id: int
    owner: str
    name: str
    title: str
    description: str
    tags: tuple[str, ...]
    visibility: Visibility
    licence: str
    version: int
    files_count: int
    size_bytes: int
    open_from: int
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None = None
    members: tuple[Member, ...] = ()

    @property
    def path(self) -> str:
        """`owner/name`, as in every address."""
        return f"{self.owner}/{self.name}"

    @property
    def revision(self) -> int:
        """The newest version, as `models.access` calls it."""
        return self.version


@dataclass(frozen=True, slots=True)
class DatasetDraft:
    """What a person says of a dataset to be; an empty owner is the person."""

    name: str
    title: str = ""
    owner: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    visibility: Visibility = Visibility.PRIVATE
    licence: str = "CC-BY-4.0"


@dataclass(frozen=True, slots=True)
class DatasetChange:
    """New details of a dataset; None leaves one as it is.

    Attributes:
        whole_history: show others also the versions from before it was first opened.
    """

    title: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    visibility: Visibility | None = None
    licence: str | None = None
    whole_history: bool = False


@dataclass(frozen=True, slots=True)
class DatasetQuery:
    """Which datasets, the last changed first; what is empty narrows nothing.

    Attributes:
        q: words that all stand in name, owner, title, description or tags.
        before: the place of the last one seen.
    """

    q: str = ""
    owner: str = ""
    tag: str = ""
    licence: str = ""
    cursor: str = ""
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a dataset, which never changes.

    Attributes:
        source: the run that put it out, `OWNER/LAB#12`; empty: it was uploaded.
    """

    id: int
    number: int
    author: str
    message: str
    source: str
    created_at: datetime
    files_count: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """A file of a version, or of one that is to be; `sha256` names its content."""

    path: str
    size: int
    sha256: str
    is_here: bool = True

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Upload:
    """A version that is on its way."""

    id: str
    dataset_id: int
    person: str
    message: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """How far an upload is: `lacking` of its `files_count` files are not here whole."""

    upload: Upload
    files_count: int
    lacking: int


@dataclass(frozen=True, slots=True)
class Use:
    """A version that a run uses.

    Attributes:
        called: `OWNER/NAME@v3` as it was called when the run was ordered.
        version_id: None: it was purged since.
        at: the folder in which it lies; empty: one file of it is an input.
    """

    called: str
    version_id: int | None
    at: str = ""


def read_address(text: str) -> Address | None:
    """Return what `OWNER/NAME@v3` names, or None."""
    found = _ADDRESS.fullmatch(text)
    return Address(found[1], found[2], int(found[3])) if found else None


def read_file_address(url: str) -> FileAddress | None:
    """Return what `dataset:OWNER/NAME@v3/PATH` names, or None."""
    if not url.startswith(SCHEME):
        return None
    text = url.removeprefix(SCHEME)
    owner, _, rest = text.partition("/")
    name, _, path = rest.partition("/")
    of = read_address(f"{owner}/{name}")
    return FileAddress(of, path) if of and path else None


def url_fault(url: str) -> str | None:
    """Return what is wrong with `dataset:…`, as a sentence, or None."""
    found = read_file_address(url)
    if found is None:
        return "write a file of a dataset as `dataset:OWNER/NAME@v3/data.csv`."
    return fault_of(found.path)


def words_in(owner: str, name: str, title: str, description: str, tags: Iterable[str]) -> str:
    """Return all that a search looks into."""
    return " ".join((owner, name, title, description, *tags)).casefold()
