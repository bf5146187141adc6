"""Scalars of TensorBoard's event files, read as the files grow; nothing of TensorBoard is needed.

A file is a row of records: a length, its checksum, the data, its checksum. The data is an `Event`
in protobuf, of which a few fields matter. A record that is not all there yet is read later.
"""

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LARGEST_RECORD: Final = 64 << 10
"""Records beyond this hold pictures and the like: they are passed over unread."""

MOST_BYTES: Final = 8 << 20
"""Of a file at one look."""

_POLYNOMIAL: Final = 0x82F63B78
_MASK: Final = 0xA282EAD8
_HEAD: Final = 12
_TAIL: Final = 4
_FLOAT: Final = 1
_DOUBLE: Final = 2


class NotEvents(Exception):
    """The file is none of TensorBoard's, or is broken from here on."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value that was written."""

    tag: str
    step: int
    value: float
    at: float


class EventFile:
    """One file, and how far it was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> list[Scalar]:
        """Return what came since the last look, at most some of it: look again.

        Raises:
            NotEvents: what comes next cannot be read, and so nothing after it.
            OSError: the file cannot.
        """
        found: list[Scalar] = []
        with open(self._path, "rb", opener=_opener) as file:
            end = file.seek(0, 2)
            stop = self._offset + MOST_BYTES
            while self._offset + _HEAD <= end and self._offset < stop:
                file.seek(self._offset)
                head = file.read(_HEAD)
                (length,) = struct.unpack("<Q", head[:8])
                _check(head[:8], head[8:])
                following = self._offset + _HEAD + length + _TAIL
                if following > end:
                    break
                if length <= LARGEST_RECORD:
                    data = file.read(length)
                    _check(data, file.read(_TAIL))
                    found += scalars_of(data)
                self._offset = following
        return found


def _opener(path: str, flags: int) -> int:
    """Open a file of the code's; what it put in its place meanwhile is not waited for."""
    opened = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise NotEvents("no file")
    return opened


def scalars_of(event: bytes) -> Iterator[Scalar]:
    """Yield the scalars of an `Event`.

    Raises:
        NotEvents: it is none.
    """
    at, step, values = 0.0, 0, []
    for number, value in _fields(event):
        if number == 1 and isinstance(value, bytes):
            at = _unpacked("<d", value)
        elif number == 2 and isinstance(value, int):  # noqa: PLR2004
            step = value - (1 << 64) if value >= 1 << 63 else value
        elif number == 5 and isinstance(value, bytes):  # noqa: PLR2004
            values += [one for field, one in _fields(value) if field == 1]
    for one in values:
        if isinstance(one, bytes) and (scalar := _scalar(one)) is not None:
            yield Scalar(scalar[0], step, scalar[1], at)


def _scalar(value: bytes) -> tuple[str, float] | None:
    """Return tag and number of a `Summary.Value`; None: it is no scalar."""
    tag, number = "", None
    for field, said in _fields(value):
        if not isinstance(said, bytes):
            continue
        if field == 1:
            tag = said.decode("utf-8", "replace")
        elif field == 2:  # noqa: PLR2004 - simple_value
            number = _unpacked("<f", said)
        elif field == 8:  # noqa: PLR2004 - tensor
            number = _tensor(said)
    return (tag, number) if tag and number is not None else None


def _tensor(tensor: bytes) -> float | None:
    """Return the one number of a `TensorProto`; None: it has more, or other ones."""
    kind, content = 0, b""
    for field, said in _fields(tensor):
        if field == 1 and isinstance(said, int):
            kind = said
        elif field == 2 and said:  # noqa: PLR2004 - a shape with dimensions
            return None
        elif field in {4, 5, 6} and isinstance(said, bytes):
            # Its bytes, or its floats, or its doubles.
            content = said
    if kind == _FLOAT and len(content) == struct.calcsize("<f"):
        return _unpacked("<f", content)
    if kind == _DOUBLE and len(content) == struct.calcsize("<d"):
        return _unpacked("<d", content)
    return None


def _unpacked(kind: str, content: bytes) -> float:
    if len(content) != struct.calcsize(kind):
        raise NotEvents("a number of another length")
    return float(struct.unpack(kind, content)[0])


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield numbers and values of a message's fields; fixed numbers as their bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(message, at)
        else:
            if kind == 2:  # noqa: PLR2004
                length, at = _varint(message, at)
            elif kind in {1, 5}:
                length = 8 if kind == 1 else 4
            else:
                raise NotEvents("a field of no known kind")
            if at + length > len(message):
                raise NotEvents("a field that is cut off")
            value = message[at : at + length]
            at += length
        yield number, value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 64:  # noqa: PLR2004 - bits
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004
            return value & (1 << 64) - 1, at
    raise NotEvents("a number that does not end")


def _check(data: bytes, said: bytes) -> None:
    crc = crc32c(data)
    masked = ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF
    if struct.pack("<I", masked) != said:
        raise NotEvents("a wrong checksum")


def _table() -> tuple[int, ...]:
    rows = []
    for row in range(256):
        value = row
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_TABLE: Final = _table()


def crc32c(data: bytes) -> int:
    """Return the checksum by Castagnoli."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
