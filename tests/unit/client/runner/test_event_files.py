"""TensorBoard's files as its writers leave them: growing, cut off, broken, of another kind."""

import os
import struct
from pathlib import Path

import pytest
from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.proto.tensor_pb2 import TensorProto
from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto

from machinelabs.runner.event_files import EventFile, NotEvents, Scalar, crc32c, scalars_of


def written(folder: Path, count: int = 3) -> Path:
    writer = SummaryWriter(str(folder))
    for step in range(count):
        writer.add_scalar("loss", 0.5 * step, step, walltime=10.0 + step)
    writer.close()
    return next(folder.iterdir())


def test_the_checksum_is_castagnolis() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_a_file_that_grows_byte_by_byte_is_read_once(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole").read_bytes()
    path = tmp_path / "events.out.tfevents.1"
    file, found = EventFile(path), []
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        found += file.read()
    assert found == [Scalar("loss", step, 0.5 * step, 10.0 + step) for step in range(3)]


@pytest.mark.timeout(10)
def test_a_file_that_becomes_a_pipe_or_a_link_is_not_waited_for(tmp_path: Path) -> None:
    path = written(tmp_path / "logs", 1)
    files = [EventFile(path), EventFile(path)]
    assert [len(file.read()) for file in files] == [1, 1]
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(NotEvents):
        files[0].read()
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(OSError, match="symbolic"):
        files[1].read()


@pytest.mark.parametrize("place", [0, 9, 20, 40])
def test_a_byte_that_is_wrong_is_noticed(tmp_path: Path, place: int) -> None:
    path = written(tmp_path / "logs", 1)
    content = bytearray(path.read_bytes())
    content[place] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(NotEvents):
        EventFile(path).read()


def test_what_is_no_event_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"something else of some length")
    with pytest.raises(NotEvents):
        EventFile(path).read()
    assert list(scalars_of(b"")) == []
    for broken in (b"\xff" * 11, b"\x2a\x05ab", b"\x0b", b"\x0a\x01a"):
        list(scalars_of(b""))
        with pytest.raises(NotEvents):
            list(scalars_of(b"\x2a" + bytes([len(broken)]) + broken))


def test_scalars_of_tensorflow_are_tensors() -> None:
    kinds = [
        TensorProto(dtype="DT_FLOAT", tensor_content=struct.pack("<f", 0.25)),
        TensorProto(dtype="DT_FLOAT", float_val=[0.25]),
        TensorProto(dtype="DT_DOUBLE", double_val=[0.25]),
        TensorProto(dtype="DT_STRING", string_val=[b"words"]),
        TensorProto(
            dtype="DT_FLOAT",
            tensor_content=struct.pack("<f", 1),
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
        ),
    ]
    values = [Summary.Value(tag=f"t{at}", tensor=one) for at, one in enumerate(kinds)]
    event = Event(wall_time=1.5, step=-1, summary=Summary(value=values)).SerializeToString()
    assert list(scalars_of(event)) == [Scalar(f"t{at}", -1, 0.25, 1.5) for at in range(3)]
