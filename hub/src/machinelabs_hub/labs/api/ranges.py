"""`Range`: which part of a file somebody asks for. Pure."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from machinelabs_hub.errors import MachineLabsError

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class BadRange(MachineLabsError):
    """A part of a file that it does not have."""

    code = "bad_range"
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


@dataclass(frozen=True, slots=True)
class Part:
    """`size` bytes from `start` on."""

    start: int
    size: int


def part_of(header: str, size: int, *, tag: str = "", if_range: str = "") -> Part | None:
    """Return the part of a file of `size` bytes that a `Range` header asks for; None: all of it.

    Args:
        header: as it came; several parts, or another unit, are answered with all.
        size: the file's.
        tag: its ETag.
        if_range: the header `If-Range`: a part of another state is of no use.

    Raises:
        BadRange: the file has no such part.
    """
    found = _RANGE.fullmatch(header.strip().replace(" ", ""))
    if not found or found[0] == "bytes=-" or (if_range and if_range != tag):
        return None
    first, last = found[1], found[2]
    if not first:
        start = max(0, size - int(last))
        end = size
    else:
        start = int(first)
        end = min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise BadRange(f"This file has {size} bytes; it has no such part.")
    return Part(start, end - start)
