"""`ml dataset` against the real service: push, go on with what was cut off, pull, list."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.integration.client.test_ml_runs import signed_in
from tests.support.labs_service import LabsServer, labs_server
from tests.support.ml import Terminal

from machinelabs.cli.datasets import _digest
from machinelabs.datasets import DatasetFile, Datasets, digest_of
from machinelabs.errors import NotFound, Offline
from machinelabs.transport import Transport
from machinelabs_hub.labs.models.person import Person


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("ml-datasets")) as made:
        made.seen_as(Person("ada", "Ada"), Person("ben", "Ben"))
        yield made


@pytest.fixture
def ada(server: LabsServer, tmp_path: Path) -> Terminal:
    return signed_in(server, tmp_path, "ada")


def write(folder: Path, **files: bytes) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_a_folder_is_sent_once_and_what_changed_is_sent_again(
    server: LabsServer, ada: Terminal, tmp_path: Path
) -> None:
    source = ada.folder / "digits"
    write(source, README=b"# hi", train__a=b"1,2", train__b=b"x" * 100_000, empty=b"")
    write(source, **{".hidden__x": b"no", ".DS_Store": b"no"})
    said = ("--visibility", "public", "--licence", "CC0-1.0", "--title", "Digits")
    first = ada.done("dataset", "push", "digits", "ada/digits", "-m", "First", *said)
    assert first == {
        "dataset": "ada/digits", "version": 1, "is_new": True, "files": 4, "bytes": 100_007,
        "sent": 4,
    }  # fmt: skip
    write(source, train__a=b"1,2,3")
    second = ada.done("dataset", "push", "digits", "ada/digits")
    assert (second["version"], second["is_new"], second["sent"]) == (2, False, 1)
    assert not (source / ".machinelabs" / "dataset-upload.json").exists()
    ben = signed_in(server, tmp_path, "ben")
    refused = ben.ml("dataset", "push", str(source), "ada/digits")
    assert refused.code != 0
    assert "only an editor may do this" in refused.err
    old = ben.done("dataset", "pull", "ada/digits@v1", "old")
    assert old["laid"] == 4
    assert (ben.folder / "old/train/a").read_bytes() == b"1,2"
    assert ben.done("dataset", "pull", "ada/digits")["laid"] == 4
    assert (ben.folder / "digits/train/a").read_bytes() == b"1,2,3"
    again = ben.ml("dataset", "pull", "ada/digits")
    assert "in " + str(ben.folder / "digits") + " already" in again.out
    write(ben.folder / "digits", README=b"mine")
    kept = ben.ml("dataset", "pull", "ada/digits")
    assert kept.code != 0
    assert (ben.folder / "digits/README").read_bytes() == b"mine"
    listed = ben.done("dataset", "list", "digi")["items"]
    assert [(one["dataset"], one["version"], one["licence"]) for one in listed] == [
        ("ada/digits", 2, "CC0-1.0")
    ]
    assert "no such dataset" in ben.ml("dataset", "list", "zebra").out


def test_a_push_that_was_cut_off_is_gone_on_with(
    server: LabsServer, ada: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, big = ada.folder / "big", os.urandom(3_000_000)
    write(source, a=big, b=b"small")
    site = Transport(url=f"{server.url}", token="ada", trust_env=False)
    datasets = Datasets(transport=site)
    datasets.make("ada/big")
    files = [DatasetFile(name, *digest_of(source / name)) for name in ("a", "b")]
    upload = datasets.begin("ada/big", files)

    def cut(count: int) -> None:
        if count >= 1 << 20:
            raise Offline("cut")

    sha256 = files[0].sha256
    with monkeypatch.context() as once:
        once.setattr("machinelabs.datasets._TRIES", 1)
        with pytest.raises(Offline):
            datasets.send("ada/big", upload, sha256, source / "a", cut)
    datasets.send("ada/big", upload, files[1].sha256, source / "b", lambda _: None)
    kept = {"dataset": "ada/big", "files": _digest(files), "upload": upload.id}
    (source / ".machinelabs").mkdir()
    (source / ".machinelabs/dataset-upload.json").write_text(json.dumps(kept))
    done = ada.done("dataset", "push", "big", "ada/big")
    assert (done["version"], done["sent"]) == (1, 1)
    assert server.tools.dataset_uploads.count_of("ada") == 0
    with datasets.read("ada/big", 1, "a") as content:
        assert content.read() == big
    site.close()


def test_a_push_of_a_changed_folder_gives_up_what_was_begun_of_the_old_one(
    server: LabsServer, ada: Terminal
) -> None:
    source = ada.folder / "changing"
    write(source, a=b"first")
    site = Transport(url=f"{server.url}", token="ada", trust_env=False)
    datasets = Datasets(transport=site)
    datasets.make("ada/changing")
    files = [DatasetFile("a", *digest_of(source / "a"))]
    upload = datasets.begin("ada/changing", files)
    kept = {"dataset": "ada/changing", "files": _digest(files), "upload": upload.id}
    (source / ".machinelabs").mkdir()
    (source / ".machinelabs/dataset-upload.json").write_text(json.dumps(kept))
    write(source, a=b"second")
    assert ada.done("dataset", "push", "changing", "ada/changing")["version"] == 1
    with pytest.raises(NotFound):
        datasets.upload("ada/changing", upload.id)
    site.close()


class Cut(Transport):
    """A line that breaks behind every request that sends something; what was sent came."""

    sent: ClassVar[list[int]] = []

    def json(self, method: str, path: str, **more: Any) -> Any:
        if method != "PUT":
            return super().json(method, path, **more)
        content = b"".join(more.pop("content"))
        self.sent.append(len(content))
        super().json(method, path, content=content, **more)
        raise Offline("cut")


def test_a_large_file_goes_in_parts_and_may_break_off_as_often_as_it_comes_further(
    server: LabsServer, ada: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machinelabs.datasets.PART", 10_000)
    monkeypatch.setattr("machinelabs.datasets._WAIT", 0)
    write(ada.folder, long=os.urandom(195_000))
    site = Cut(url=f"{server.url}", token="ada", trust_env=False)
    datasets, counted = Datasets(transport=site), [0]
    datasets.make("ada/long")
    file = DatasetFile("long", *digest_of(ada.folder / "long"))
    upload = datasets.begin("ada/long", [file])

    def count(more: int) -> None:
        counted.append(counted[-1] + more)

    datasets.send("ada/long", upload, file.sha256, ada.folder / "long", count)
    assert [size for size in Cut.sent if size] == [*[10_000] * 19, 5_000]
    assert (counted == sorted(counted), counted[-1]) == (True, 195_000)
    assert datasets.finish("ada/long", upload).size_bytes == 195_000
    site.close()


def test_what_is_no_dataset_or_no_folder_is_said(ada: Terminal) -> None:
    for arguments, said in (
        (("push", "nowhere", "ada/x"), "is no folder"),
        (("push", ".", "ada/x"), "There is no file"),
        (("push", ".", "x"), "Write it as owner/name"),
        (("pull", "ada/digits@r1"), "Write OWNER/NAME, or OWNER/NAME@v3"),
        (("pull", "ada/none"), "There is no dataset ada/none here"),
    ):
        ended = ada.ml("dataset", *arguments)
        assert (ended.code != 0, said in ended.err) == (True, True), ended.err
