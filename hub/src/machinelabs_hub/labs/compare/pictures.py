"""How near two pictures are, as one sees them: PNG is decoded, other kinds must be equal."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from machinelabs_hub.labs.compare.texts import Near

GRID: Final = 24
"""Pictures are compared as so many fields across and down."""
MOST_BYTES: Final = 8 << 20
"""Bytes of a decoded picture; decoding goes byte by byte."""
MOST_PIXELS: Final = 4 << 20
MOST_TOGETHER: Final = 64 << 20
"""Of all pictures of a notebook that are decoded: more would take minutes."""
FIELD: Final = 0.1
"""By how much of black to white one field may differ."""
MEAN: Final = 0.003
"""And all of them together, on average."""
LENGTHS: Final = 0.02
"""By how much of itself width or height may differ: a label that is a little wider."""

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_GREY, _PALETTE, _GREY_ALPHA, _RGBA = 0, 3, 4, 6
_EIGHT, _SIXTEEN = 8, 16


class NotReadable(ValueError):
    """It is no PNG that can be decoded here. `str(error)` says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class _Head:
    width: int
    height: int
    depth: int
    colour: int

    @property
    def step(self) -> int:
        """Bytes from a sample to the same one of the pixel before."""
        return max(1, _CHANNELS[self.colour] * self.depth // 8)

    @property
    def line(self) -> int:
        """Bytes of a row."""
        return (self.width * _CHANNELS[self.colour] * self.depth + 7) // 8

    @property
    def work(self) -> int:
        """What it takes to look at it: its bytes, or its pixels where these are more."""
        return self.height * max(self.line, self.width)


class Pictures:
    """Compares the pictures of one notebook; so many are decoded, and no more."""

    def __init__(self) -> None:
        self._room = MOST_TOGETHER

    def compare(self, before: bytes, after: bytes) -> tuple[Near, str]:
        """Return how near two pictures are, and what differs, in a sentence."""
        if before == after:
            return Near.SAME, ""
        try:
            was, now = _Picture.read(before), _Picture.read(after)
            if was == now:
                return Near.SAME, ""
            if not was.has_shape_of(now):
                return Near.FAR, "The picture has another size."
            self._take(was.head.work + now.head.work)
            one, two = was.fields(), now.fields()
        except NotReadable as error:
            return Near.FAR, f"The picture differs. {error}"
        apart = [abs(a - b) for a, b in zip(one, two, strict=True)]
        most, mean = max(apart), sum(apart) / len(apart)
        if most <= FIELD and mean <= MEAN:
            return Near.NEAR if most else Near.SAME, ""
        return Near.FAR, "The picture looks different."

    def _take(self, work: int) -> None:
        if work > self._room:
            raise NotReadable("So many pictures differ that this one was not compared by looks.")
        self._room -= work


@dataclass(frozen=True, slots=True)
class _Picture:
    """A PNG whose head is read; equal ones look the same, whatever is said about them inside."""

    head: _Head
    palette: bytes
    alphas: bytes
    packed: bytes

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Take a PNG apart.

        Raises:
            NotReadable: it is none, or none that is compared here.
        """
        if not content.startswith(_SIGNATURE):
            raise NotReadable("Only PNG is compared by looks.")
        head, at = None, len(_SIGNATURE)
        parts: dict[bytes, list[bytes]] = {b"PLTE": [], b"tRNS": [], b"IDAT": []}
        while at + 8 <= len(content):
            length, kind = struct.unpack_from(">I4s", content, at)
            data = content[at + 8 : at + 8 + length]
            at += length + 12
            if kind == b"IHDR" and len(data) == 13:  # noqa: PLR2004 - as the format has it
                head = _checked(*struct.unpack(">IIBBBBB", data))
            elif kind in parts:
                parts[kind].append(data)
        palette, alphas, packed = map(b"".join, parts.values())
        if head is None or not packed:
            raise NotReadable("It is broken.")
        return cls(head, palette, alphas, packed)

    def has_shape_of(self, other: "_Picture") -> bool:
        """Tell whether width and height are nearly the same."""
        sizes = ((self.head.width, other.head.width), (self.head.height, other.head.height))
        return all(abs(a - b) <= LENGTHS * max(a, b) for a, b in sizes)

    def fields(self) -> list[float]:
        """Return the mean red, green and blue of each field, on white, from 0 to 1."""
        head = self.head
        sums = [0] * (GRID * GRID * 3)
        counts = [0] * (GRID * GRID)
        across = [x * GRID // head.width for x in range(head.width)]
        for y, row in enumerate(self._rows()):
            base = y * GRID // head.height * GRID
            for field, (red, green, blue) in zip(across, self._colours(row), strict=False):
                at = base + field
                counts[at] += 1
                at *= 3
                sums[at] += red
                sums[at + 1] += green
                sums[at + 2] += blue
        return [
            total / (255 * counts[at // 3]) if counts[at // 3] else 1.0
            for at, total in enumerate(sums)
        ]

    def _rows(self) -> Iterator[bytes]:
        head = self.head
        whole = (head.line + 1) * head.height
        try:
            raw = zlib.decompressobj().decompress(self.packed, whole)
        except zlib.error as error:
            raise NotReadable("It is broken.") from error
        if len(raw) < whole:
            raise NotReadable("It is broken.")
        above = bytes(head.line)
        for start in range(0, whole, head.line + 1):
            row = bytearray(raw[start + 1 : start + 1 + head.line])
            _unfilter(raw[start], row, above, head.step)
            above = bytes(row)
            yield above

    def _colours(self, row: bytes) -> Iterator[tuple[int, int, int]]:
        head = self.head
        if head.depth == _SIXTEEN:
            row = row[::2]
        if head.depth < _EIGHT:
            row = bytes(_bits(row, head.depth, stretch=head.colour == _GREY))
        match head.colour:
            case 2:
                return zip(row[::3], row[1::3], row[2::3], strict=False)
            case 6:
                return _on_white(row[::4], row[1::4], row[2::4], row[3::4])
            case 4:
                return _on_white(row[::2], row[::2], row[::2], row[1::2])
            case 3:
                table = self._colour_table()
                return (table[index] for index in row)
        return zip(row, row, row, strict=False)

    def _colour_table(self) -> list[tuple[int, int, int]]:
        held = self.palette
        alphas = self.alphas.ljust(len(held) // 3, b"\xff")
        table = list(_on_white(held[::3], held[1::3], held[2::3], alphas))
        return table + [(255, 255, 255)] * (256 - len(table))


def _checked(width: int, height: int, depth: int, colour: int, *how: int) -> _Head:
    is_known = colour in _CHANNELS and depth in {1, 2, 4, _EIGHT, _SIXTEEN}
    if not is_known or not width or not height or how[0] or how[1]:
        raise NotReadable("It is broken.")
    if how[2]:
        raise NotReadable("It is interlaced, and such pictures must be equal.")
    head = _Head(width, height, depth, colour)
    if head.line * height > MOST_BYTES or width * height > MOST_PIXELS:
        raise NotReadable("It is too large to be compared by looks.")
    return head


def _unfilter(kind: int, row: bytearray, above: bytes, step: int) -> None:
    """Undo what a row was stored as: what is added to the one on its left, above, or both."""
    size = len(row)
    match kind:
        case 1:
            for at in range(step, size):
                row[at] = (row[at] + row[at - step]) & 255
        case 2:
            row[:] = bytes([(a + b) & 255 for a, b in zip(row, above, strict=True)])
        case 3:
            for at in range(size):
                left = row[at - step] if at >= step else 0
                row[at] = (row[at] + ((left + above[at]) >> 1)) & 255
        case 4:
            for at in range(size):
                left, corner = (row[at - step], above[at - step]) if at >= step else (0, 0)
                row[at] = (row[at] + _paeth(left, above[at], corner)) & 255


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    to_left, to_above, to_corner = abs(guess - left), abs(guess - above), abs(guess - corner)
    if to_left <= to_above and to_left <= to_corner:
        return left
    return above if to_above <= to_corner else corner


def _bits(row: bytes, depth: int, *, stretch: bool) -> Iterator[int]:
    most = (1 << depth) - 1
    for byte in row:
        for shift in range(8 - depth, -1, -depth):
            value = byte >> shift & most
            yield value * 255 // most if stretch else value


def _on_white(
    red: bytes, green: bytes, blue: bytes, alpha: bytes
) -> Iterator[tuple[int, int, int]]:
    for r, g, b, a in zip(red, green, blue, alpha, strict=False):
        if a == 255:  # noqa: PLR2004 - a byte's most
            yield r, g, b
        else:
            white = 255 * (255 - a)
            yield (r * a + white) // 255, (g * a + white) // 255, (b * a + white) // 255
