"""Event files are read once each, in so much time, whatever the code writes."""

import struct
import threading
import time
from pathlib import Path

import pytest

from machinelabs.runner import tensorboard
from machinelabs.runner.event_files import crc32c
from machinelabs.runner.measures import Measures
from machinelabs.runner.tensorboard import TensorBoard


def record(event: bytes) -> bytes:
    def sign(data: bytes) -> bytes:
        crc = crc32c(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(event))
    return length + sign(length) + event + sign(event)


LOSS = record(b"\x10\x01\x2a\x0d\x0a\x0b\x0a\x04loss\x15" + struct.pack("<f", 0.5))
FILLER = record(b"\x4a\x80\x80\x03" + bytes(49152))


def points(measures: Measures) -> int:
    return sum(len(fields["points"]) for kind, fields in measures.take() if kind == "metric")


def test_two_looks_at_once_take_each_value_once(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1").write_bytes(FILLER * 10 + LOSS * 600)
    measures = Measures()
    board = TensorBoard(tmp_path, (), measures)
    looks = [threading.Thread(target=board.look) for _ in range(3)]
    for one in looks:
        one.start()
    for one in looks:
        one.join()
    assert points(measures) == 600


def test_a_look_at_very_much_ends_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorboard, "LOOK_SECONDS", 0.05)
    many = 4
    for number in range(many):
        (tmp_path / f"events.out.tfevents.{number}").write_bytes(FILLER * 20 + LOSS)
    measures = Measures()
    board = TensorBoard(tmp_path, (), measures)
    begun = time.process_time()
    assert board.look()
    one = time.process_time() - begun
    found = [points(measures)]
    assert found[0] < many
    while board.look():
        found.append(points(measures))
    assert sum(found) == many
    assert one < (time.process_time() - begun) / 2


def test_what_lay_there_before_is_not_the_runs_own(tmp_path: Path) -> None:
    for folder in ("logs", "data/deep", "data-2"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "events.out.tfevents.1").write_bytes(LOSS)
    measures = Measures()
    TensorBoard(tmp_path, {"data", "logs/events.out.tfevents.1"}, measures).look()
    assert points(measures) == 1
