"""Datasets of a run, from a real labs service to the code: one file as an input, or laid whole."""

import asyncio
import errno
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.integration.client.test_runner_inputs import ends, executed, sha
from tests.support.datasets import stored
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import ordered

from machinelabs.runner import service
from machinelabs_hub.labs.models.config import BadConfig
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.paths import ClashingPaths
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.inputs import InputWrongHash
from machinelabs_hub.labs.services.run_inputs import NoInput
from machinelabs_hub.labs.storage.blobs import BlobMissing

pytestmark = pytest.mark.timeout(120)

ADA, EVE = Person("ada", "Ada"), Person("eve", "Eve")
BIG = os.urandom(3_000_000)
READS = b"""import pathlib
for path in sorted(pathlib.Path('.').rglob('*')):
    if path.is_file() and path.name not in ('main.py', 'ml.yaml'):
        print(path, path.stat().st_size, oct(path.stat().st_mode)[-3:])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as one:
        many = {f"part/{number:04}.txt": b"%d" % number for number in range(50)}
        stored(one.tools, EVE, "digits", {"a.csv": b"1"}, {"a.csv": b"22", "deep/b.bin": BIG},
               visibility=Visibility.PUBLIC)  # fmt: skip
        stored(one.tools, EVE, "many", many, visibility=Visibility.SIGNED_IN)
        stored(one.tools, EVE, "secret", {"a.csv": b"1"})
        yield one


def asks(text: str, **files: bytes) -> dict[str, bytes]:
    return {"main.py": READS, "ml.yaml": text.encode()} | files


async def test_a_dataset_lies_in_its_folder_before_the_code_and_cannot_be_written(
    server: LabsServer, tmp_path: Path
) -> None:
    desk = ordered(server, asks("mounts:\n  - {dataset: eve/digits@v2, at: data/}\n"))
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert desk.said() == f"data/a.csv 2 444\ndata/deep/b.bin {len(BIG)} 444\n"
    assert (tmp_path / "run/data/deep/b.bin").read_bytes() == BIG
    assert (tmp_path / "run/data/deep").stat().st_mode & 0o777 == 0o555
    told = ends(desk)["data/"]
    assert (told["state"], told["total"]) == ("done", len(BIG) + 2)
    assert desk.outputs() == {}
    (used,) = server.tools.dataset_versions.uses(desk.run)
    assert (used.called, used.at) == ("eve/digits@v2", "data")


async def test_a_dataset_of_many_files_lies_there_whole(
    server: LabsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LISTED", 20)
    desk = ordered(server, asks("mounts: [{dataset: eve/many@v1, at: many}]"))
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    found = sorted(path.name for path in (tmp_path / "run/many/part").iterdir())
    assert found == [f"{number:04}.txt" for number in range(50)]
    assert (tmp_path / "run/many/part/0037.txt").read_bytes() == b"37"


async def test_one_file_of_a_version_is_an_input(server: LabsServer, tmp_path: Path) -> None:
    url = "dataset:eve/digits@v1/a.csv"
    text = f"inputs:\n  - {{name: old.csv, url: '{url}', sha256: {sha(b'1')}}}\n"
    desk = ordered(server, asks(text))
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert desk.said().startswith("inputs/old.csv 1 ")
    assert [one.called for one in server.tools.dataset_versions.uses(desk.run)] == ["eve/digits@v1"]


def test_what_one_may_not_read_or_what_is_not_there_is_refused_when_it_is_ordered(
    server: LabsServer,
) -> None:
    for text in (
        "mounts: [{dataset: eve/secret@v1, at: d}]",
        "mounts: [{dataset: eve/digits@v3, at: d}]",
        "inputs: [{name: a, url: 'dataset:eve/secret@v1/a.csv'}]",
        "inputs: [{name: a, url: 'dataset:eve/digits@v1/no.csv'}]",
    ):
        with pytest.raises(NoInput, match="cannot be had: "):
            ordered(server, asks(text))
    wrong = f"inputs: [{{name: a, url: 'dataset:eve/digits@v1/a.csv', sha256: {'0' * 64}}}]"
    with pytest.raises(InputWrongHash):
        ordered(server, asks(wrong))
    with pytest.raises(ClashingPaths, match="eve/digits@v1 would lie in “data”, where the lab has"):
        ordered(server, asks("mounts: [{dataset: eve/digits@v1, at: data}]", **{"data/a": b""}))
    with pytest.raises(BadConfig, match="name a version"):
        ordered(server, asks("mounts: [{dataset: eve/digits, at: data}]"))


async def test_a_run_whose_dataset_was_purged_meanwhile_fails_with_the_reason(
    server: LabsServer, tmp_path: Path
) -> None:
    made = stored(server.tools, EVE, "gone", {"a": b"1"}, visibility=Visibility.PUBLIC)
    desk = ordered(server, asks("mounts: [{dataset: eve/gone@v1, at: d}]"))
    now = server.tools.clock()
    server.tools.datasets.set_trashed(made, now)
    server.tools.datasets.purge(now + timedelta(days=365))
    ended = await executed(desk, tmp_path / "run")
    sentence = (
        "The dataset eve/gone@v1: This version was deleted since the run was ordered. Name another "
        "one in ml.yaml, and run the lab again."
    )
    assert (ended.state, ended.reason and ended.reason.sentence) == ("failed", sentence)


async def test_a_content_that_is_lost_ends_the_run_at_once(
    server: LabsServer, tmp_path: Path
) -> None:
    stored(server.tools, EVE, "lost", {"a": b"nobody else has it"}, visibility=Visibility.PUBLIC)
    desk = ordered(server, asks("mounts: [{dataset: eve/lost@v1, at: d}]"))
    server.tools.blobs.remove(sha(b"nobody else has it"))
    ended = await asyncio.wait_for(executed(desk, tmp_path / "run"), 60)
    assert (ended.state, ended.reason and ended.reason.sentence) == (
        "failed",
        "The dataset eve/lost@v1: “a” cannot be read any more. Tell an admin.",
    )


async def test_a_place_that_is_away_is_asked_again(
    server: LabsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(server.tools, EVE, "away", {"a": b"away for a while"}, visibility=Visibility.PUBLIC)
    desk = ordered(server, asks("mounts: [{dataset: eve/away@v1, at: d}]"))
    has, asked = server.tools.blobs.has, []

    def away(sha256: str, size: int) -> bool:
        asked.append(sha256)
        if len(asked) < 3:
            raise BlobMissing
        return has(sha256, size)

    monkeypatch.setattr(server.tools.blobs, "has", away)
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert (tmp_path / "run/d/a").read_bytes() == b"away for a while"


async def test_a_disk_that_is_full_says_what_to_do(
    server: LabsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = ordered(server, asks("mounts: [{dataset: eve/digits@v1, at: d}]"))

    async def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(service.Service, "fetch_mounted", full)
    ended = await executed(desk, tmp_path / "run")
    assert ended.reason is not None
    assert "No space left on device. Mount less, or ask" in ended.reason.sentence
