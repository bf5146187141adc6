"""Stream files as a tar, and read one, without ever holding the whole in memory."""

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from machinelabs.errors import FolderFault, SiteFault
from machinelabs.folder import Entry
from machinelabs.notebooks import SUFFIX, strip_outputs
from machinelabs.paths import fault_of, shown

PIECE: Final = 1 << 18
END: Final = b"\0" * tarfile.BLOCKSIZE * 2


class FileChanged(FolderFault):
    """A file changed while it was being read."""

    default_code = "file_changed"


class TarStream:
    """A tar of `files` to read from, made while it is read.

    Args:
        files: what to pack.
        strip: take the outputs out of notebooks.
        on_bytes: told how many bytes were made since the last call; may raise to stop.

    Attributes:
        hashes: after the last byte, what was packed: path -> sha256.
        local_hashes: the same, of the files as they stand here (they differ where stripped).
    """

    def __init__(
        self,
        files: list[Entry],
        *,
        strip: bool = False,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        self.hashes: dict[str, str] = {}
        self.local_hashes: dict[str, str] = {}
        self._files = files
        self._strip = strip
        self._on_bytes = on_bytes
        self._pieces = self._make()
        self._rest = bytearray()

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, fewer only at the end; all of the rest if negative."""
        while size < 0 or len(self._rest) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        cut = len(self._rest) if size < 0 else size
        taken = bytes(self._rest[:cut])
        del self._rest[:cut]
        if taken and self._on_bytes:
            self._on_bytes(len(taken))
        return taken

    def _make(self) -> Iterator[bytes]:
        for entry in self._files:
            if self._strip and entry.path.endswith(SUFFIX):
                yield from self._stripped(entry)
            else:
                yield from self._plain(entry)
        yield END

    def _stripped(self, entry: Entry) -> Iterator[bytes]:
        with _reading(entry):
            content = entry.source.read_bytes()
        self.local_hashes[entry.path] = hashlib.sha256(content).hexdigest()
        content = strip_outputs(content, path=entry.path)
        self.hashes[entry.path] = hashlib.sha256(content).hexdigest()
        yield _header(entry, len(content))
        yield content
        yield _padding(len(content))

    def _plain(self, entry: Entry) -> Iterator[bytes]:
        digest = hashlib.sha256()
        with _reading(entry), entry.source.open("rb") as file:
            yield _header(entry, entry.size)
            left = entry.size
            while left:
                piece = file.read(min(PIECE, left))
                if not piece:
                    raise FileChanged(_changed(entry))
                left -= len(piece)
                digest.update(piece)
                yield piece
            if file.read(1):
                raise FileChanged(_changed(entry))
        self.hashes[entry.path] = self.local_hashes[entry.path] = digest.hexdigest()
        yield _padding(entry.size)


def unpack(stream: BinaryIO, into: Path) -> dict[str, str]:
    """Write the files of the tar `stream` below the empty folder `into`; return their sha256.

    Raises:
        SiteFault: the tar is cut short, or holds a path that no lab may hold.
        FolderFault: this disk does not take them.
    """
    hashes: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.isdir():
                    continue
                if fault_of(member.name) or not member.isreg():
                    raise SiteFault(f"The lab holds “{shown(member.name)}”, which is no file.")
                hashes[member.name] = _write(archive, member, into / member.name)
    except tarfile.TarError as error:
        raise SiteFault("The lab's files were cut short on the way. Try again.") from error
    except OSError as error:
        raise FolderFault(f"The lab's files cannot be written here: {error.strerror}.") from error
    return hashes


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> str:
    content = archive.extractfile(member)
    if content is None:
        raise SiteFault(f"The lab holds “{shown(member.name)}”, which is no file.")
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("xb") as file:
        while piece := content.read(PIECE):
            digest.update(piece)
            file.write(piece)
    if member.mode & 0o100:
        target.chmod(0o755)
    return digest.hexdigest()


@contextmanager
def _reading(entry: Entry) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileChanged(
            f"“{shown(entry.path)}” cannot be read any more: {error.strerror}."
        ) from error


def _header(entry: Entry, size: int) -> bytes:
    info = tarfile.TarInfo(entry.path)
    info.size = size
    info.mode = 0o755 if entry.executable else 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)


def _changed(entry: Entry) -> str:
    return f"“{shown(entry.path)}” changed while it was read. Save it and publish again."
