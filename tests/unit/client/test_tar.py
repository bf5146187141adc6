"""Packing and unpacking without holding the whole."""

import hashlib
import io
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs.errors import FolderFault, SiteFault
from machinelabs.folder import Entry, scan
from machinelabs.paths import fault_of
from machinelabs.tar import FileChanged, TarStream, unpack

MIB = 1024 * 1024
part = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"], exclude_characters="/\\"
    ),
    min_size=1,
    max_size=60,
)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@given(
    st.dictionaries(
        part.filter(lambda name: fault_of(name) is None), st.binary(max_size=2000), max_size=8
    ),
    st.integers(1, 700),
)
def test_what_is_packed_is_what_is_unpacked(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], step: int
) -> None:
    root = tmp_path_factory.mktemp("tar")
    entries = []
    for number, (name, content) in enumerate(files.items()):
        source = root / str(number)
        source.write_bytes(content)
        entries.append(Entry(f"f{number}/{name}", source, len(content)))
    stream = TarStream(entries)
    packed = bytearray()
    while piece := stream.read(step):
        packed += piece
    target = root / "out"
    target.mkdir()
    hashes = unpack(io.BytesIO(packed), target)
    assert hashes == stream.hashes
    assert hashes == {
        f"f{n}/{name}": sha(content) for n, (name, content) in enumerate(files.items())
    }
    for number, (name, content) in enumerate(files.items()):
        assert (target / f"f{number}/{name}").read_bytes() == content


def test_a_large_file_is_never_whole_in_memory(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(200 * MIB)
    stream = TarStream(scan(tmp_path).files)
    tracemalloc.start()
    while stream.read(65536):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MIB


def test_stripped_notebooks_remember_both_hashes(tmp_path: Path) -> None:
    content = b'{"cells": [{"cell_type": "code", "outputs": [1]}]}'
    (tmp_path / "a.ipynb").write_bytes(content)
    stream = TarStream(scan(tmp_path).files, strip=True)
    with tarfile.open(fileobj=io.BytesIO(stream.read())) as archive:
        [member] = archive.getmembers()
        sent = archive.extractfile(member)
        assert sent
        assert stream.hashes == {"a.ipynb": sha(sent.read())}
    assert stream.local_hashes == {"a.ipynb": sha(content)}


@pytest.mark.parametrize("change", [b"", b"shorter", b"longer than it was before"])
def test_a_file_that_changes_meanwhile_stops_the_publish(tmp_path: Path, change: bytes) -> None:
    (tmp_path / "a").write_bytes(b"as it was first")
    stream = TarStream(scan(tmp_path).files)
    (tmp_path / "a").write_bytes(change)
    with pytest.raises(FileChanged, match="publish again"):
        stream.read()


def test_a_file_that_goes_meanwhile_stops_the_publish(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    stream = TarStream(scan(tmp_path).files)
    (tmp_path / "a").unlink()
    with pytest.raises(FileChanged):
        stream.read()


def test_the_executable_bit_travels(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o755)
    out = tmp_path / ".out"
    out.mkdir()
    unpack(io.BytesIO(TarStream(scan(tmp_path).files).read()), out)
    assert (out / "run.sh").stat().st_mode & 0o777 == 0o755


def hostile(name: str, kind: bytes = tarfile.REGTYPE) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type = kind
        member.linkname = "/etc/passwd"
        archive.addfile(member)
    packed.seek(0)
    return packed


@pytest.mark.parametrize(
    "packed",
    [hostile("../up"), hostile("/abs"), hostile("a", tarfile.SYMTYPE), hostile("a", tarfile.LNKTYPE),
     hostile("a", tarfile.CHRTYPE), hostile(".machinelabs/lab.json")],
)  # fmt: skip
def test_a_hostile_tar_writes_nothing(tmp_path: Path, packed: io.BytesIO) -> None:
    with pytest.raises(SiteFault):
        unpack(packed, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_tar_cut_short_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 5000)
    packed = TarStream(scan(tmp_path).files).read()
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises((SiteFault, FolderFault), match="Try again"):
        unpack(io.BytesIO(packed[:2000]), out)
