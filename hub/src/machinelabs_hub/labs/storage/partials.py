"""Contents that come in parts, over days perhaps: what is here of each, beside the blobs."""

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from machinelabs_hub.errors import Conflict, NotFound
from machinelabs_hub.labs.storage.blobs import full_disk

_PIECE: Final = 1 << 20


class PartBusy(Conflict):
    """Another request writes this content now."""

    code = "part_busy"

    def __init__(self) -> None:
        super().__init__("This file is being sent by another request. Wait for that one to end.")


class PartGap(Conflict):
    """A part does not begin where the one before ended."""

    code = "part_gap"

    def __init__(self, received: int) -> None:
        super().__init__(f"{received} bytes of this file are here. Go on from there.")
        self.received = received


class PartGone(NotFound):
    """What was here of an upload was dropped while more of it came."""

    code = "part_gone"

    def __init__(self) -> None:
        super().__init__("This upload was given up, or is too old. Begin it again.")


class PartialStore:
    """Files below one folder: `UPLOAD/SHA256`. Their length is how much is here. Methods block."""

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder
        self._busy: set[Path] = set()
        self._lock = threading.Lock()

    def received(self, upload: str, sha256: str) -> int:
        """Return how many bytes of a content are here."""
        try:
            return self._path(upload, sha256).stat().st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def held(self, upload: str, sha256: str) -> Iterator["Partial"]:
        """Let nobody else write a content in the block.

        Raises:
            PartBusy: somebody does.
        """
        path = self._path(upload, sha256)
        with self._lock:
            if path in self._busy:
                raise PartBusy
            self._busy.add(path)
        try:
            with full_disk():
                path.parent.mkdir(parents=True, exist_ok=True)
            yield Partial(path)
        finally:
            with self._lock:
                self._busy.discard(path)

    def drop(self, upload: str) -> None:
        """Remove all that is here of an upload; who still writes to it hears `PartGone`."""
        folder = self._folder / upload
        going = folder.with_name(f"{folder.name}.{uuid4().hex}")
        # Under another name first, else a content that comes now makes the folder stay.
        with suppress(FileNotFoundError):
            folder.rename(going)
            shutil.rmtree(going, ignore_errors=True)

    def uploads(self) -> Iterator[str]:
        """Return the uploads of which something is here."""
        if self._folder.is_dir():
            yield from (path.name for path in self._folder.iterdir())

    def _path(self, upload: str, sha256: str) -> Path:
        return self._folder / upload / sha256


class Partial:
    """One content, as far as it is here."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def size(self) -> int:
        """How many bytes are here."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def write(self, piece: bytes) -> None:
        """Add a piece.

        Raises:
            PartGone: the upload was dropped.
        """
        with full_disk(), _is_there(), self.path.open("ab") as file:
            file.write(piece)

    def sha256(self) -> str:
        """Return the SHA-256 of what is here, which a crash may have damaged.

        Raises:
            PartGone: the upload was dropped.
        """
        digest = hashlib.sha256()
        with _is_there(), self.path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
            os.fsync(file.fileno())
        return digest.hexdigest()

    def drop(self) -> None:
        """Remove what is here."""
        self.path.unlink(missing_ok=True)


@contextmanager
def _is_there() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise PartGone from error
