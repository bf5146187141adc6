"""Contents in a bucket, over the wire to a server that speaks S3."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.labs.test_labs import publish
from tests.integration.labs.test_run_upkeep import TENDED, Tended, uploaded
from tests.integration.labs.test_runs import FILES, order, put, started
from tests.support.bucket import s3_server, settings_of
from tests.support.many_labs import tools_of

from machinelabs_hub.db import migrate
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import run_upkeep
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.blobs import BadDigest, BlobMissing, BlobStore, PlaceOfAnother
from machinelabs_hub.labs.storage.bucket import Bucket, BucketAway
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(moto|botocore|werkzeug).*")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as address:
        yield address


def bucket_of(data: Path) -> str:
    """Return a bucket for one test: each is another site."""
    return f"b{hashlib.sha256(str(data).encode()).hexdigest()[:32]}"


@pytest.fixture
def store(endpoint: str, tmp_path: Path) -> BlobStore:
    settings = settings_of(endpoint, tmp_path, bucket_of(tmp_path))
    place = Bucket(settings=settings, files=Files(tmp_path))
    return BlobStore(folder=tmp_path / "blobs", place=place)


def kept(store: BlobStore, content: bytes) -> str:
    with store.writer() as writer:
        writer.write(content)
        return writer.keep()


def test_a_content_is_read_back_whole_and_in_parts(store: BlobStore, tmp_path: Path) -> None:
    content = os.urandom(9_000_000)
    name = kept(store, content)
    assert b"".join(store.read(name, size=len(content))) == content
    assert b"".join(store.read(name, start=3_999_999, size=500_000)) == content[3_999_999:4_499_999]
    assert b"".join(store.read(name, size=0)) == b""
    assert store.has(name, len(content))
    assert not store.has(name, 4)
    assert kept(store, content) == name
    empty = kept(store, b"")
    assert store.has(empty, 0)
    assert set(store.older_than(-10)) == {name, empty}
    assert list(store.older_than(3600)) == []
    store.remove(name)
    store.remove(name)
    assert list(store.older_than(-10)) == [empty]
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_what_is_not_whole_never_gets_there(store: BlobStore) -> None:
    with store.writer() as writer:
        writer.write(b"abc")
        with pytest.raises(BadDigest):
            writer.keep("0" * 64)
    with store.writer() as writer:
        writer.write(b"half")
    assert list(store.older_than(-10)) == []
    with pytest.raises(BlobMissing):
        store.read("0" * 64, size=1)


def test_a_bucket_that_does_not_answer_is_away_and_nothing_in_it_lost(tmp_path: Path) -> None:
    with s3_server() as address:
        settings = settings_of(address, tmp_path)
        store = BlobStore(
            folder=tmp_path / "blobs", place=Bucket(settings=settings, files=Files(tmp_path))
        )
        name = kept(store, b"abc")
        wrong = settings.model_copy(update={"url": "s3://another"})
        away = BlobStore(
            folder=tmp_path / "blobs", place=Bucket(settings=wrong, files=Files(tmp_path))
        )
        with pytest.raises(BucketAway):
            kept(away, b"abc")
    with pytest.raises(BucketAway):
        store.has(name, 3)
    with pytest.raises(BucketAway):
        kept(store, b"abc")
    assert list((tmp_path / "blobs" / "new").iterdir()) == []


@pytest.fixture
def tools(endpoint: str, tmp_path: Path) -> Iterator[Tools]:
    settings = Settings.model_validate({"data": tmp_path}).model_copy(
        update={"blobs": settings_of(endpoint, tmp_path, bucket_of(tmp_path))}
    )
    migrate.upgrade(f"sqlite:///{Files(tmp_path).database}")
    made = tools_of(settings)
    yield made
    made.close()


def test_outputs_of_runs_are_kept_in_it_and_dropped_from_it(tools: Tools) -> None:
    def viewed_by(person: Person | None) -> Context:
        return Context(person=person, tools=tools, hub=None)  # type: ignore[arg-type]

    publish(viewed_by, files=FILES)
    runner, run, _ = started(tools, order(viewed_by))
    put(runner, run, "a.bin", b"123")
    put(runner, run, "b.bin", b"45678")
    seen = viewed_by(None).runs
    output = seen.output(run, "b.bin")
    assert b"".join(seen.content(output, start=1, size=2)) == b"56"
    assert not [path for path in (tools.settings.data / "blobs").rglob("*") if path.is_file()]
    assert run_upkeep.missing(tools) == (2, [])
    runner.drop(run, "a.bin")
    assert run_upkeep.tend(tools, unused=-10).blobs == 1
    assert list(tools.blobs.older_than(-10)) == [output.sha256]
    tools.blobs.remove(output.sha256)
    assert run_upkeep.missing(tools) == (1, ["ada/digits#1: b.bin"])


@TENDED
def test_what_comes_again_while_upkeep_works_stays(tools: Tools, tended: Tended) -> None:
    tended(tools, "dataset_versions", lambda: uploaded(tools))
    assert run_upkeep.missing(tools) == (1, [])


def test_a_copy_of_a_site_removes_nothing_in_its_bucket(tools: Tools, tmp_path: Path) -> None:
    uploaded(tools)
    copied = tmp_path / "copy"
    copied.mkdir()
    migrate.upgrade(f"sqlite:///{Files(copied).database}")
    shutil.copytree(tmp_path / "secrets", copied / "secrets")
    copy = tools_of(tools.settings.model_copy(update={"data": copied}))
    with pytest.raises(PlaceOfAnother, match="site"):
        run_upkeep.tend(copy, unused=-10)
    assert run_upkeep.missing(tools) == (1, [])
    blobs = tools.settings.blobs
    Bucket(settings=blobs, files=Files(copied))._fs.rm_file(f"{blobs.url[5:]}/site")
    assert run_upkeep.tend(copy, unused=-10).blobs == 1
    copy.close()


def test_a_site_without_a_bucket_loads_nothing_for_one() -> None:
    look = "import sys, machinelabs_hub.labs.app; print([m for m in ('fsspec', 's3fs', 'botocore') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
