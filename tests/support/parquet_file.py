"""Parquet files of any size, written by hand: whole numbers, plain, in pages that may lie."""

import struct
from array import array
from collections.abc import Iterable, Mapping

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def _int(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _text(text: str) -> bytes:
    return _varint(len(text)) + text.encode()


def _struct(*fields: tuple[int, int, bytes]) -> bytes:
    """Return a struct of Thrift's compact protocol; a field is its number, kind and content."""
    made, last = b"", 0
    for number, kind, content in fields:
        made += bytes([(number - last) << 4 | kind]) + content
        last = number
    return made + b"\0"


def _list(kind: int, items: Iterable[bytes]) -> bytes:
    found = list(items)
    size = len(found)
    head = bytes([size << 4 | kind]) if size < 15 else bytes([0xF0 | kind]) + _varint(size)
    return head + b"".join(found)


def _page(rows: int, content: bytes, unpacked: int) -> bytes:
    data = _struct(
        (1, _I32, _int(rows)), (2, _I32, _int(0)), (3, _I32, _int(3)), (4, _I32, _int(3))
    )
    head = _struct(
        (1, _I32, _int(0)), (2, _I32, _int(unpacked)), (3, _I32, _int(len(content))),
        (5, _STRUCT, data),
    )  # fmt: skip
    return head + content


def parquet_of(columns: Mapping[str, int], *, rows: int, codec: int = 0, claims: int = 0) -> bytes:
    """Return a file of one row group; the number in a row is its place.

    Args:
        columns: how many pages of equal size each of them has.
        rows: of all pages together.
        codec: how pages say that they are packed, as Parquet counts; they are not.
        claims: how many bytes a page says that it has unpacked; 0: the truth.
    """
    numbers = array("q", range(rows)).tobytes()
    body, chunks, total = bytearray(b"PAR1"), [], 0
    for name, pages in columns.items():
        start, long = len(body), len(numbers) // pages
        for at in range(pages):
            content = numbers[at * long : (at + 1) * long]
            body += _page(rows // pages, content, claims or long)
        size = len(body) - start
        total += size
        told = _struct(
            (1, _I32, _int(2)), (2, _LIST, _list(_I32, [_int(0)])),
            (3, _LIST, _list(_BINARY, [_text(name)])), (4, _I32, _int(codec)),
            (5, _I64, _int(rows)), (6, _I64, _int(size)), (7, _I64, _int(size)),
            (9, _I64, _int(start)),
        )  # fmt: skip
        chunks.append(_struct((2, _I64, _int(start)), (3, _STRUCT, told)))
    group = _struct(
        (1, _LIST, _list(_STRUCT, chunks)), (2, _I64, _int(total)), (3, _I64, _int(rows))
    )
    root = _struct((4, _BINARY, _text("schema")), (5, _I32, _int(len(columns))))
    schema = [root] + [
        _struct((1, _I32, _int(2)), (3, _I32, _int(0)), (4, _BINARY, _text(name)))
        for name in columns
    ]
    footer = _struct(
        (1, _I32, _int(1)), (2, _LIST, _list(_STRUCT, schema)), (3, _I64, _int(rows)),
        (4, _LIST, _list(_STRUCT, [group])),
    )  # fmt: skip
    return bytes(body) + footer + struct.pack("<I", len(footer)) + b"PAR1"
