"""Read a tar strictly and in bounded memory: plain files only, every surprise refused.

Python's tarfile reads extended headers whole, however long they say they are, and follows sparse
files and links; what comes from outside is read here instead.
"""

import io
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from machinelabs_hub.errors import BadInput
from machinelabs_hub.names import shown

_BLOCK: Final = tarfile.BLOCKSIZE
_LARGEST_HEADER: Final = 64 * 1024
_MOST_DIGITS: Final = 15
_PLAIN: Final = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE})
_REFUSED: Final = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
    tarfile.CONTTYPE: "a special file",
}


class BadArchive(BadInput):
    """What was sent as the lab's files is not a tar that can be read."""

    code = "bad_archive"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The lab's files could not be read: {reason} Send a plain tar.")


class NotAFile(BadInput):
    """A link, a device or a pipe among the lab's files."""

    code = "not_a_file"

    def __init__(self, path: str, kind: str) -> None:
        super().__init__(
            f"“{shown(path)}” is {kind}. A lab can hold only files and folders: put a copy of "
            "the file there, or leave it out."
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a tar: its content is `size` bytes at `offset`."""

    path: str
    size: int
    offset: int
    executable: bool = False


def members(tar: BinaryIO) -> Iterator[Member]:
    """Return the files of a tar in its order; folders are passed over.

    Raises:
        BadArchive: it is not a plain tar, or is cut short.
        NotAFile: it has a link, a device or a pipe.
    """
    end = tar.seek(0, io.SEEK_END)
    position = 0
    told: dict[str, str] = {}
    while position < end:
        header = _header(tar, position)
        if header is None:
            return
        position += _BLOCK
        size = int(told.get("size", header.size)) if header.type in _PLAIN else header.size
        after = position + -(-size // _BLOCK) * _BLOCK
        if size < 0 or position + size > end:
            raise BadArchive("it ends in the middle of a file.")
        if header.type in {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}:
            told |= _pax(_take(tar, position, header.size))
        elif header.type == tarfile.GNUTYPE_LONGNAME:
            told["path"] = _text(_take(tar, position, header.size).rstrip(b"\0"))
        elif header.type in {tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK}:
            _take(tar, position, header.size)
        else:
            member = _member(header, told, position, size)
            if member:
                yield member
            told = {}
        position = after
    raise BadArchive("its end is missing.")


def content(tar: BinaryIO, member: Member) -> "Slice":
    """Return a reader of one file of a tar."""
    return Slice(tar, member.offset, member.size)


class Slice(io.RawIOBase):
    """Reads `size` bytes of a file from `offset` on."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._at = offset
        self._end = offset + size

    def readable(self) -> bool:
        """Be read from."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill `buffer` as far as there is something left."""
        self._file.seek(self._at)
        piece = self._file.read(min(len(buffer), self._end - self._at))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _header(tar: BinaryIO, position: int) -> tarfile.TarInfo | None:
    tar.seek(position)
    block = tar.read(_BLOCK)
    if not block.strip(b"\0"):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        if position == 0 and block[:2] == b"\x1f\x8b":
            raise BadArchive("they are compressed.") from error
        raise BadArchive("this is not a tar.") from error


def _member(header: tarfile.TarInfo, told: dict[str, str], offset: int, size: int) -> Member | None:
    path = told.get("path", header.name)
    while path.startswith("./"):
        path = path[2:]
    if header.type == tarfile.DIRTYPE or (header.type in _PLAIN and path.endswith("/")):
        return None
    if header.type not in _PLAIN or any(key.startswith("GNU.sparse") for key in told):
        raise NotAFile(path, _REFUSED.get(header.type, "a special file"))
    return Member(path, size, offset, executable=bool(header.mode & stat.S_IXUSR))


def _take(tar: BinaryIO, position: int, size: int) -> bytes:
    if size > _LARGEST_HEADER:
        raise BadArchive("a file's name or header is far too long.")
    tar.seek(position)
    return tar.read(size)


def _pax(block: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    while block.strip(b"\0"):
        digits, _, _ = block.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) <= _MOST_DIGITS else 0
        record = block[len(digits) + 1 : length]
        key, equals, value = record.removesuffix(b"\n").partition(b"=")
        if length <= len(digits) + 1 or length > len(block) or not equals:
            raise BadArchive("an extended header is broken.")
        found[_text(key)] = _text(value)
        block = block[length:]
    size = found.get("size", "0")
    if not (size.isascii() and size.isdigit()) or len(size) > _MOST_DIGITS:
        raise BadArchive("an extended header is broken.")
    return found


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
