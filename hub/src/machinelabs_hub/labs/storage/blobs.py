"""Contents by their SHA-256, each in a file of its own: `ab/cdef…`. Written aside, then renamed."""

import errno
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from machinelabs_hub.db.engine import DiskFull
from machinelabs_hub.errors import BadInput, Unavailable

_PIECE: Final = 256 * 1024
_NAME: Final = re.compile(r"[0-9a-f]{62}")
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


class BlobStore:
    """All contents of a site, below one folder. Methods block."""

    def __init__(self, *, folder: Path, durable: bool = True) -> None:
        self._folder = folder
        self._aside = folder / _ASIDE
        self._durable = durable
        self._aside.mkdir(parents=True, exist_ok=True)

    def writer(self) -> "BlobWriter":
        """Begin a content; use it as a context: what is not kept is gone at its end."""
        return BlobWriter(self._folder, self._aside, durable=self._durable)

    def read(self, sha256: str, *, start: int = 0, size: int) -> Iterator[bytes]:
        """Return `size` bytes of a content from `start` on, piece by piece.

        Raises:
            BlobMissing: it is not there, or shorter; at once, not at the first piece.
        """
        path = self.path(sha256)
        try:
            if path.stat().st_size < start + size:
                raise BlobMissing
        except OSError as error:
            raise BlobMissing from error
        return _pieces(path, start, size)

    def has(self, sha256: str, size: int) -> bool:
        """Tell whether a content is there, as long as it should be."""
        try:
            return self.path(sha256).stat().st_size == size
        except OSError:
            return False

    def path(self, sha256: str) -> Path:
        """Return where a content is, or would be."""
        return self._folder / sha256[:2] / sha256[2:]

    def older_than(self, seconds: float) -> Iterator[tuple[str, Path]]:
        """Return the contents that were written longer ago, and where they are."""
        before = time.time() - seconds
        for path in self._folder.glob("??/*"):
            if _NAME.fullmatch(path.name) and path.stat().st_mtime < before:
                yield path.parent.name + path.name, path

    def clear_leftovers(self) -> None:
        """Remove what a killed process left half-written; call it at start."""
        for left in self._aside.iterdir():
            left.unlink(missing_ok=True)


class BlobWriter:
    """A content that is being written, out of sight until `keep`."""

    def __init__(self, folder: Path, aside: Path, *, durable: bool) -> None:
        self._folder = folder
        self._durable = durable
        with _full():
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
        with _full():
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
        place = self._folder / found[:2] / found[2:]
        with _full():
            self._file.flush()
            if self._durable:
                os.fsync(self._file.fileno())
            place.parent.mkdir(exist_ok=True)
            # Over one that is there as well: it may be damaged, and its age begins anew, so that
            # nobody takes it for one that is not used before its row is written.
            self._path.replace(place)
            if self._durable:
                _sync_folder(place.parent)
        return found


@contextmanager
def _full() -> Iterator[None]:
    """Turn a full disk into our error."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull from error
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pieces(path: Path, start: int, size: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(start)
            while size:
                piece = file.read(min(size, _PIECE))
                if not piece:
                    raise BlobMissing
                yield piece
                size -= len(piece)
    except OSError as error:
        raise BlobMissing from error
