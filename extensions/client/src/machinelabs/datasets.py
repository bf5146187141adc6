"""The datasets of a site: find, make, upload in parts, and get them."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Self
from urllib.parse import quote

from machinelabs.errors import BadInput, Conflict, Offline
from machinelabs.transport import Transport, understood

_PIECE: Final = 1 << 20
PART: Final = 16 << 20
"""So much is sent with one request: a proxy in between gives none of them more than minutes."""
_TRIES: Final = 8
"""So often in a row nothing more of a file may come; then it can be gone on with later."""
_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 15.0
_BUSY: Final = "The site has this file busy. Begin again in a moment: what is there stays."

OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Named, versioned, read-only files."""

    owner: str
    name: str
    title: str
    description: str
    tags: tuple[str, ...]
    visibility: str
    licence: str
    version: int
    """Number of the newest; 0: there is none yet."""
    files_count: int
    size_bytes: int
    updated_at: datetime

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """Read a dataset from the API's JSON; keys that are unknown here are passed over."""
        return cls(
            owner=body["owner"],
            name=body["name"],
            title=body["title"],
            description=body["description"],
            tags=tuple(body["tags"]),
            visibility=body["visibility"],
            licence=body["licence"],
            version=body["version"],
            files_count=body["files_count"],
            size_bytes=body["size_bytes"],
            updated_at=datetime.fromisoformat(body["updated_at"]),
        )


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a dataset; it never changes."""

    number: int
    author: str
    message: str
    files_count: int
    size_bytes: int

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """Read a version from the API's JSON; keys that are unknown here are passed over."""
        return cls(
            number=body["number"],
            author=body["author"],
            message=body["message"],
            files_count=body["files_count"],
            size_bytes=body["size_bytes"],
        )


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """A file of a version."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A version on its way: `missing` are the contents that have to be sent."""

    id: str
    missing: tuple[str, ...]

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """Read an upload from the API's JSON."""
        return cls(str(body["id"]), tuple(map(str, body["missing"])))


class Datasets:
    """The datasets of a site. `dataset` is spelled `owner/name`."""

    def __init__(self, *, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, query: str = "", owner: str = "", limit: int = 100) -> tuple[Dataset, ...]:
        """Return datasets that fit, the last changed first, at most `limit`."""
        params = {key: value for key, value in {"q": query, "owner": owner}.items() if value}
        params["limit"] = str(limit)
        body = self._transport.json("GET", "datasets", params=params)
        return understood(lambda: tuple(map(Dataset.from_json, body["items"])))

    def get(self, dataset: str) -> Dataset:
        """Return a dataset."""
        body = self._transport.json("GET", _path(dataset))
        return understood(lambda: Dataset.from_json(body))

    def make(self, dataset: str, **details: Any) -> Dataset:
        """Make a dataset that has no version yet.

        Args:
            dataset: `owner/name`; the owner is you, or `@group` of yours.
            details: title, description, tags, visibility, licence.
        """
        owner, name = split(dataset)
        said = {key: value for key, value in details.items() if value}
        body = self._transport.create("datasets", {"owner": owner, "name": name} | said)
        return understood(lambda: Dataset.from_json(body))

    def version(self, dataset: str, number: int | None = None) -> Version:
        """Return a version (None: the newest)."""
        body = self._transport.json("GET", _at(dataset, number))
        return understood(lambda: Version.from_json(body))

    def files(self, dataset: str, number: int) -> Iterator[DatasetFile]:
        """Yield the files of a version, by path."""
        cursor = ""
        while True:
            params = {"limit": "1000"} | ({"cursor": cursor} if cursor else {})
            body = self._transport.json("GET", f"{_at(dataset, number)}/files", params=params)
            rows, cursor = _page(body)
            yield from rows
            if not cursor:
                return

    def read(self, dataset: str, number: int, path: str) -> AbstractContextManager[BinaryIO]:
        """Read one file of a version piece by piece."""
        return self._transport.stream(f"{_at(dataset, number)}/files/{quote(path)}")

    def begin(self, dataset: str, files: Sequence[DatasetFile], message: str = "") -> Upload:
        """Say what the next version is to hold; what the dataset has need not be sent."""
        rows = [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in files]
        said = {"message": message, "files": rows}
        body = self._transport.create(f"{_path(dataset)}/uploads", said)
        return understood(lambda: Upload.from_json(body))

    def upload(self, dataset: str, upload: str) -> Upload:
        """Return an upload of yours that is not finished."""
        body = self._transport.json("GET", f"{_path(dataset)}/uploads/{upload}")
        return understood(lambda: Upload.from_json(body))

    def give_up(self, dataset: str, upload: str) -> None:
        """Forget an upload of yours; what came of it is gone."""
        self._transport.json("DELETE", f"{_path(dataset)}/uploads/{quote(upload, safe='')}")

    def send(
        self, dataset: str, upload: Upload, sha256: str, source: Path, on_bytes: OnBytes
    ) -> None:
        """Send one content; a line that breaks is gone on with where it broke.

        Raises:
            BadInput: the file is not what was said of it: it was changed meanwhile.
            Offline: the site did not answer for long. Begin again: what is there stays.
        """
        address = f"{_path(dataset)}/uploads/{upload.id}/contents/{sha256}"
        counted, tries = _Counted(on_bytes), _Tries()
        while True:
            try:
                here, size = self._received(address)
                while True:
                    tries.reach(here)
                    counted.reach(here)
                    here, size = self._send_part(address, source, here, size, counted)
                    if here == size:
                        return
            except Conflict as error:
                if error.code not in {"part_gap", "part_busy"}:
                    raise
                if sha256 not in self.upload(dataset, upload.id).missing:
                    return
                tries.wait(Offline(_BUSY))
            except Offline as error:
                tries.wait(error)

    def finish(self, dataset: str, upload: Upload) -> Version:
        """Make the version, now that all of it was sent."""
        body = self._transport.create(f"{_path(dataset)}/uploads/{upload.id}/finish", {})
        return understood(lambda: Version.from_json(body))

    def from_run(self, dataset: str, lab: str, run: int, *, folder: str = "") -> Version:
        """Make the next version of what a run put out; nothing is copied."""
        said = {"lab": lab, "run": run, "folder": folder}
        body = self._transport.create(f"{_path(dataset)}/versions", said)
        return understood(lambda: Version.from_json(body))

    def _received(self, address: str) -> tuple[int, int]:
        return _came(self._transport.json("GET", address))

    def _send_part(
        self, address: str, source: Path, here: int, size: int, counted: "_Counted"
    ) -> tuple[int, int]:
        """Send what follows the byte `here`; return how much is there then, and of how much."""
        end = min(here + PART, size)
        pieces = _pieces(source, here, end, counted)
        said = self._transport.json("PUT", address, params={"at": str(here)}, content=pieces)
        came, size = _came(said)
        if came < end:
            raise BadInput(f"“{source.name}” was changed while it was sent. Begin again.")
        return came, size


def digest_of(path: Path) -> tuple[int, str]:
    """Return size and SHA-256 of a file."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), sha256


def split(dataset: str) -> tuple[str, str]:
    """Return owner and name of `owner/name`.

    Raises:
        BadInput: it is not spelled so.
    """
    owner, slash, name = dataset.partition("/")
    if not (owner and slash and name) or "/" in name or {owner, name} & {".", ".."}:
        raise BadInput(f"“{dataset[:80]}” is not a dataset. Write it as owner/name.")
    return owner, name


class _Counted:
    """Tells of bytes as they go, and takes back what did not arrive."""

    def __init__(self, on_bytes: OnBytes) -> None:
        self._on_bytes = on_bytes
        self._told = 0

    def reach(self, here: int) -> None:
        """Tell that the site has so many."""
        self._on_bytes(here - self._told)
        self._told = here


class _Tries:
    """How often it is tried again; whenever more has come than ever before, they begin anew."""

    def __init__(self) -> None:
        self._most = -1
        self._begin()

    def _begin(self) -> None:
        self._left, self._wait = _TRIES, _WAIT

    def reach(self, here: int) -> None:
        """Take note that the site has so many bytes."""
        if here > self._most:
            self._most = here
            self._begin()

    def wait(self, error: Offline) -> None:
        """Wait a while, or raise the error if that was the last try."""
        self._left -= 1
        if self._left <= 0:
            raise error
        time.sleep(self._wait)
        self._wait = min(self._wait * 2, _LONGEST_WAIT)


def _pieces(source: Path, start: int, end: int, counted: _Counted) -> Iterator[bytes]:
    with source.open("rb") as file:
        file.seek(start)
        while piece := file.read(min(_PIECE, end - file.tell())):
            yield piece
            counted.reach(file.tell())


def _came(body: Any) -> tuple[int, int]:
    return understood(lambda: (int(body["received"]), int(body["size"])))


def _path(dataset: str) -> str:
    owner, name = split(dataset)
    return f"datasets/{quote(owner, safe='')}/{quote(name, safe='')}"


def _at(dataset: str, number: int | None) -> str:
    return f"{_path(dataset)}/versions/{'latest' if number is None else number}"


def _page(body: Any) -> tuple[tuple[DatasetFile, ...], str]:
    def take() -> tuple[tuple[DatasetFile, ...], str]:
        rows = tuple(DatasetFile(row["path"], row["size"], row["sha256"]) for row in body["items"])
        return rows, body["next"] or ""

    return understood(take)
