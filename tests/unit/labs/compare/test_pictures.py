"""Pictures that foreign code wrote cost the site little, however large they say they are."""

import base64
import struct
import time
import zlib

import pytest

from machinelabs_hub.labs.compare import results
from machinelabs_hub.labs.compare.pictures import Pictures
from machinelabs_hub.labs.compare.texts import Near


def png(width: int, height: int, depth: int, fill: int) -> bytes:
    """Return a grey picture of one brightness."""
    rows = (b"\0" + bytes([fill]) * ((width * depth + 7) // 8)) * height
    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + bytes(4) for kind, data in parts
    )


def test_a_picture_of_few_bytes_and_very_many_pixels_is_not_decoded() -> None:
    begun = time.process_time()
    near, why = Pictures().compare(png(1 << 26, 1, 1, 0), png(1 << 26, 1, 1, 255))
    assert time.process_time() - begun < 1
    assert near is Near.FAR
    assert "too large" in why


def test_of_many_pictures_only_so_many_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machinelabs_hub.labs.compare.pictures.MOST_TOGETHER", 40_000)
    shown = [base64.b64encode(png(100, 100, 8, fill)).decode() for fill in (250, 251)]

    def cell(picture: str) -> dict[str, object]:
        output = {"output_type": "display_data", "data": {"image/png": picture}}
        return {"cell_type": "code", "source": "plot()", "outputs": [output]}

    before, after = ([cell(one)] * 3 for one in shown)
    found = results.compare_cells(before, after)
    assert [one.why for one in found[:2]] == ["The picture looks different."] * 2
    assert "many pictures" in found[2].why


def test_a_picture_in_very_many_parts_is_read_in_a_moment() -> None:
    part = struct.pack(">I4sBI", 1, b"IDAT", 7, 0)
    whole = png(10, 10, 8, 0)
    begun = time.process_time()
    near, _ = Pictures().compare(whole, whole[:33] + part * 400_000)
    assert time.process_time() - begun < 3
    assert near is Near.FAR
