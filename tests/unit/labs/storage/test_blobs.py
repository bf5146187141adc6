"""Contents by their SHA-256: whole or not at all."""

import hashlib
import os
from pathlib import Path

import pytest

from machinelabs_hub.labs.storage.blobs import BadDigest, BlobMissing, BlobStore, PlaceAway


def kept(store: BlobStore, content: bytes) -> str:
    with store.writer() as writer:
        writer.write(content)
        return writer.keep()


def test_a_content_is_read_back_whole_and_in_parts(tmp_path: Path) -> None:
    store = BlobStore(folder=tmp_path)
    content = os.urandom(700_000)
    name = kept(store, content)
    assert name == hashlib.sha256(content).hexdigest()
    assert b"".join(store.read(name, size=len(content))) == content
    assert b"".join(store.read(name, start=300_000, size=5)) == content[300_000:300_005]
    assert kept(store, content) == name
    assert list(store.older_than(-10)) == [name]
    assert list(store.older_than(3600)) == []


def test_what_was_changed_on_its_way_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    store = BlobStore(folder=tmp_path)
    with store.writer() as writer:
        writer.write(b"abc")
        with pytest.raises(BadDigest):
            writer.keep("0" * 64)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_was_cut_off_is_no_content(tmp_path: Path) -> None:
    store = BlobStore(folder=tmp_path)
    with store.writer() as writer:
        writer.write(b"half")
    assert list(store.older_than(-10)) == []
    (tmp_path / "new" / "of-a-killed-process").write_bytes(b"half")
    store.clear_leftovers()
    assert list((tmp_path / "new").iterdir()) == []


def test_a_content_that_is_not_there_or_too_short_is_said_at_once(tmp_path: Path) -> None:
    store = BlobStore(folder=tmp_path)
    name = kept(store, b"abc")
    with pytest.raises(BlobMissing):
        store.read("0" * 64, size=1)
    with pytest.raises(BlobMissing):
        store.read(name, start=2, size=2)
    assert store.has(name, 3)
    assert not store.has(name, 4)


def test_a_folder_that_cannot_be_looked_into_is_away_and_nothing_in_it_lost(tmp_path: Path) -> None:
    store = BlobStore(folder=tmp_path)
    name = kept(store, b"abc")
    (tmp_path / name[:2]).rename(tmp_path / "elsewhere")
    assert not store.has(name, 3)
    (tmp_path / name[:2]).symlink_to(name[:2])
    with pytest.raises(PlaceAway):
        store.has(name, 3)
    with pytest.raises(PlaceAway):
        store.read(name, size=3)
