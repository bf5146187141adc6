"""Contents by their SHA-256, each once: written aside, then put into their place, whole."""

import errno
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from machinelabs_hub.db.engine import DiskFull
from machinelabs_hub.errors import BadInput, Conflict, Unavailable
from machinelabs_hub.labs.storage.content_locks import ContentLocks

_PIECE: Final = 256 * 1024
NAME: Final = re.compile(r"[0-9a-f]{64}")
_ASIDE: Final = "new"
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class BlobMissing(Unavailable):
    """A content that the index names cannot be read."""

    code = "blob_missing"

    def __init__(self) -> None:
        super().__init__(
            "The content of this file cannot be reached now. Try again in a moment; if it goes "
            "on, tell an admin."
        )


class BadDigest(BadInput):
    """What came is not what was announced."""

    code = "bad_digest"

    def __init__(self) -> None:
        super().__init__("The file was changed or cut short on its way. Send it again.")


class PlaceAway(Unavailable):
    """The place of contents does not answer. Nothing is known to be lost."""

    code = "place_away"

    def __init__(self) -> None:
        super().__init__(
            "The store of this site's files does not answer now. Try again in a moment; if it goes "
            "on, tell an admin."
        )


class PlaceOfAnother(Conflict):
    """Contents lie where another site keeps its own too: they are not ours to remove."""

    code = "place_of_another"

    def __init__(self, where: str, mark: str) -> None:
        super().__init__(
            f"{where} belongs to another site, or to this one before it was restored, so nothing "
            f"is removed there. If no other site uses it, remove {mark}; give each site a bucket "
            "or a folder of its own otherwise."
        )


class Place(Protocol):
    """Where contents lie: a folder of this machine, or a bucket (`storage.bucket`)."""

    where: str
    """What to call it in a sentence for operators."""

    def size(self, sha256: str) -> int | None:
        """Return how long a content is; None: it is certainly not there.

        Raises:
            PlaceAway: nobody can tell.
        """

    def read(self, sha256: str, start: int, size: int) -> Iterator[bytes]:
        """Return a part of a content, piece by piece.

        Raises:
            BlobMissing: it ends before.
        """

    def take(self, path: Path, sha256: str) -> None:
        """Put a file into its place, where it is whole at once; `path` may be gone then."""

    def names(self, before: float) -> Iterator[str]:
        """Return the contents that were put here before a time, in seconds since 1970."""

    def check_ours(self) -> None:
        """Refuse to remove anything where another site keeps its contents.

        Raises:
            PlaceOfAnother: one does.
        """

    def remove(self, sha256: str) -> None:
        """Remove a content, if it is there."""


class Folder:
    """A folder as a place of contents: `ab/cdef…`, renamed into it."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.where = str(folder)
        self._folder = folder
        self._durable = durable

    def size(self, sha256: str) -> int | None:
        """Return how long a content is; None: it is certainly not there."""
        try:
            return self._path(sha256).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise PlaceAway from error

    def read(self, sha256: str, start: int, size: int) -> Iterator[bytes]:
        """Return a part of a content, piece by piece."""
        try:
            with self._path(sha256).open("rb") as file:
                file.seek(start)
                while size:
                    piece = file.read(min(size, _PIECE))
                    if not piece:
                        raise BlobMissing
                    yield piece
                    size -= len(piece)
        except OSError as error:
            raise BlobMissing from error

    def take(self, path: Path, sha256: str) -> None:
        """Rename a file into its place."""
        place = self._path(sha256)
        with full_disk():
            if self._durable:
                _sync(path)
            place.parent.mkdir(exist_ok=True)
            # Over one that is there as well: it may be damaged, and its age begins anew, so that
            # nobody takes it for one that is not used before its row is written.
            path.replace(place)
            if self._durable:
                _sync(place.parent)

    def names(self, before: float) -> Iterator[str]:
        """Return the contents that were written before a time."""
        for path in self._folder.glob("??/*"):
            name = path.parent.name + path.name
            with suppress(FileNotFoundError):
                if NAME.fullmatch(name) and path.stat().st_mtime < before:
                    yield name

    def check_ours(self) -> None:
        """Do nothing: a folder of DATA goes with the rows, also in a copy."""

    def remove(self, sha256: str) -> None:
        """Remove a content; who reads it keeps it open."""
        self._path(sha256).unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:]


class BlobStore:
    """All contents of a site. Methods block.

    Args:
        folder: where contents are written aside, and where they stay unless `place` says another.
        durable: force them to the disk.
        place: where they lie.
    """

    def __init__(self, *, folder: Path, durable: bool = True, place: Place | None = None) -> None:
        self._place = place or Folder(folder, durable=durable)
        self._locks = ContentLocks()
        self._aside = folder / _ASIDE
        self._aside.mkdir(parents=True, exist_ok=True)

    @property
    def where(self) -> str:
        """Where contents lie, for operators."""
        return self._place.where

    def writer(self) -> "BlobWriter":
        """Begin a content; use it as a context: what is not kept is gone at its end."""
        return BlobWriter(self._place, self._aside)

    def read(self, sha256: str, *, start: int = 0, size: int) -> Iterator[bytes]:
        """Return `size` bytes of a content from `start` on, piece by piece.

        Raises:
            BlobMissing: it is not there, or shorter; at once, not at the first piece.
        """
        held = self._place.size(sha256)
        if held is None or held < start + size:
            raise BlobMissing
        return self._place.read(sha256, start, size)

    def has(self, sha256: str, size: int) -> bool:
        """Tell whether a content is there, as long as it should be."""
        return self._place.size(sha256) == size

    def take(self, path: Path, sha256: str) -> None:
        """Keep a file that lies beside the contents, whose SHA-256 this is for certain."""
        self._place.take(path, sha256)

    def kept(self, *names: str) -> AbstractContextManager[None]:
        """Let nobody remove these contents in the block: they are put here, then get a row."""
        return self._locks.kept(names)

    def sweep(self, names: Iterable[str], known: Callable[[frozenset[str]], frozenset[str]]) -> int:
        """Remove those of these contents that are nobody's, and tell how many.

        Args:
            names: what may be removed.
            known: tells which of some contents have a row. It is asked while none of them can be
                put here and get one.

        Raises:
            PlaceOfAnother: another site keeps its contents here.
        """
        with self._locks.going(names) as free:
            unknown = free - known(free)
            if unknown:
                self._place.check_ours()
            for name in unknown:
                self._place.remove(name)
        return len(unknown)

    def older_than(self, seconds: float) -> Iterator[str]:
        """Return the contents that were written longer ago."""
        return self._place.names(time.time() - seconds)

    def remove(self, sha256: str) -> None:
        """Remove a content, if it is there, whoever has it."""
        self._place.remove(sha256)

    def clear_leftovers(self) -> None:
        """Remove what a killed process left half-written; call it at start."""
        for left in self._aside.iterdir():
            left.unlink(missing_ok=True)


class BlobWriter:
    """A content that is being written, out of sight until `keep`."""

    def __init__(self, place: Place, aside: Path) -> None:
        self._place = place
        with full_disk():
            descriptor, name = tempfile.mkstemp(dir=aside)
        self._path = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        self._hash = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        """Add a piece."""
        with full_disk():
            self._file.write(piece)
        self._hash.update(piece)
        self.size += len(piece)

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._hash.hexdigest()

    def keep(self, announced: str = "") -> str:
        """Put the content in its place and return its SHA-256.

        Raises:
            BadDigest: it is not the one that was announced.
        """
        found = self.sha256
        if announced and announced.lower() != found:
            raise BadDigest
        with full_disk():
            self._file.flush()
        self._place.take(self._path, found)
        return found


@contextmanager
def full_disk() -> Iterator[None]:
    """Turn a full disk into our error."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull from error
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
