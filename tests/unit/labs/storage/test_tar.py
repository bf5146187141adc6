"""Tars from outside."""

import io
import tarfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.storage.tar import BadArchive, NotAFile, content, members


def packed(*entries: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for entry, data in entries:
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    out.seek(0)
    return out


def entry(path: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(path)
    made.type, made.linkname = kind, link
    return made


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_files_come_with_their_bytes_and_folders_are_passed_over(form: int) -> None:
    long = "/".join(["ordner-mit-ä"] * 20) + "/x.txt"
    tar = packed(
        (entry("a", tarfile.DIRTYPE), b""),
        (entry("./a/b.txt"), b"hello"),
        (entry(long), b"x" * 1000),
        (entry("empty"), b""),
        form=form,
    )
    found = {m.path: content(tar, m).read() for m in members(tar)}
    assert found == {"a/b.txt": b"hello", long: b"x" * 1000, "empty": b""}


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=150).filter(lambda s: "\0" not in s and s.strip("/. ") == s),
        st.binary(max_size=2000),
        max_size=5,
    )
)
def test_what_python_packs_is_read_alike(files: dict[str, bytes]) -> None:
    tar = packed(*((entry(path), data) for path, data in files.items()))
    assert {m.path: content(tar, m).read() for m in members(tar)} == files


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "symbolic link"),
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "pipe"),
        (tarfile.GNUTYPE_SPARSE, "sparse"),
    ],
)
def test_what_is_no_file_is_refused_by_name(kind: bytes, said: str) -> None:
    with pytest.raises(NotAFile, match=f"evil.*{said}"):
        list(members(packed((entry("evil", kind, "/etc/passwd"), b""))))


def test_a_sparse_file_of_the_newer_kind_is_refused() -> None:
    made = entry("hole")
    made.pax_headers = {"GNU.sparse.realsize": "999999999999", "GNU.sparse.major": "1"}
    with pytest.raises(NotAFile):
        list(members(packed((made, b"x"))))


def test_a_header_that_claims_to_be_huge_is_not_read() -> None:
    made = tarfile.TarInfo("././@PaxHeader")
    made.type, made.size = tarfile.XHDTYPE, 1 << 30
    tar = io.BytesIO(made.tobuf(tarfile.USTAR_FORMAT) + b"\0" * (1 << 20))
    with pytest.raises(BadArchive):
        list(members(tar))


@pytest.mark.parametrize("cut", [1, 511, 600, 1025])
def test_a_tar_that_is_cut_short_is_refused(cut: int) -> None:
    whole = packed((entry("a"), b"x" * 1024)).getvalue()
    with pytest.raises(BadArchive):
        list(members(io.BytesIO(whole[:cut])))


def test_a_compressed_tar_is_refused_as_such() -> None:
    with pytest.raises(BadArchive, match="compressed"):
        list(members(io.BytesIO(b"\x1f\x8b" + b"\0" * 2000)))


@given(st.binary(max_size=3000))
def test_no_bytes_break_the_reader(noise: bytes) -> None:
    start = packed((entry("a"), b"x")).getvalue()[:1024]
    for tar in (noise, start + noise):
        with suppress(BadArchive, NotAFile):
            list(members(io.BytesIO(tar)))
