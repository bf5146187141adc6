"""Updates and merges over HTTP: what programs ask, get and are refused."""

import io
import json
import tarfile
import tracemalloc
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.content import cell, notebook, tar_of
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.updates import UpdateService

BOB = Person("bob", "Bob")
FIRST = cell("code", "x = 1\ny = 2\nz = 3", "one")
FILES = {"main.ipynb": notebook([FIRST]), "model.py": b"a = 1\nb = 2\nc = 3\n"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs")) as running:
        running.seen_as(Person("ada", "Ada"), BOB, reads=Person("bob", "Bob", may_write=False))
        yield running


def as_person(server: LabsServer, name: str) -> httpx.Client:
    headers = {"X-As": name} if name else {}
    return httpx.Client(base_url=f"{server.url}/api/v1/labs/", headers=headers)


@pytest.fixture
def bob(server: LabsServer) -> Iterator[httpx.Client]:
    with as_person(server, "bob") as client:
        yield client


def forked(server: LabsServer, name: str) -> None:
    original = server.publish("ada", FILES, title=name, name=name)
    server.fork("bob", original)
    server.revise(original, FILES | {"model.py": b"a = 1\nb = 2\nc = 33\n"})


def sent(asked: Any, files: dict[str, bytes]) -> dict[str, Any]:
    return {
        "merge": (None, json.dumps(asked), "application/json"),
        "files": ("files.tar", tar_of(files), "application/x-tar"),
    }


def test_a_preview_holds_the_update_to_what_was_seen(server: LabsServer, bob: httpx.Client) -> None:
    forked(server, "seen")
    look = bob.get("bob/seen/update")
    body = look.json()
    assert (body["base"], body["to"], body["mine"], body["conflicts"]) == (1, 2, 1, 0)
    assert [(file["path"], file["change"]) for file in body["files"]] == [("model.py", "changed")]
    stale = bob.post("bob/seen/update", headers={"If-Match": '"other"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_update")
    done = bob.post("bob/seen/update", headers={"If-Match": look.headers["ETag"]}, json={"to": 2})
    assert (done.status_code, done.json()["number"]) == (201, 2)
    again = bob.post("bob/seen/update")
    assert (again.status_code, again.json()["code"]) == (409, "up_to_date")
    undone = bob.post("bob/seen/update/undo")
    assert (undone.status_code, undone.json()["number"]) == (201, 3)
    twice = bob.post("bob/seen/update/undo")
    assert (twice.status_code, twice.json()["code"]) == (409, "nothing_to_undo")


def test_who_may_not_edit_a_fork_is_refused(server: LabsServer) -> None:
    forked(server, "mine")
    for name, status in (("", 401), ("ada", 403), ("reads", 403)):
        with as_person(server, name) as client:
            assert client.get("bob/mine/update").status_code == status
            assert client.post("bob/mine/update").status_code == status
            assert client.post("bob/mine/update/undo").status_code == status
    with as_person(server, "") as client:
        answer = client.post("bob/mine/merge", files=sent({}, FILES))
        assert answer.status_code == 401


def test_merged_files_come_back_as_a_tar_that_begins_with_the_report(
    server: LabsServer, bob: httpx.Client
) -> None:
    forked(server, "copy")
    here = FILES | {"model.py": b"a = 11\nb = 2\nc = 3\n", "own.txt": b"mine"}
    asked = {"source": "original", "base": 1}
    answer = bob.post("bob/copy/merge", files=sent(asked, here))
    assert answer.headers["content-type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        assert tar.getnames() == ["report.json", "files/model.py"]
        report = json.load(tar.extractfile("report.json"))  # type: ignore[arg-type]
        merged = tar.extractfile("files/model.py")
        assert merged
        assert merged.read() == b"a = 11\nb = 2\nc = 33\n"
    assert (report["theirs"], report["base"], report["to"]) == ("ada/copy", 1, 2)
    assert (report["lay"], report["remove"]) == (["model.py"], [])
    assert bob.get("bob/copy").json()["revision"] == 1


@pytest.mark.parametrize(
    ("asked", "files", "status", "code"),
    [
        ({"source": "original", "base": 1, "synced": 9}, FILES, 422, "bad_base"),
        ({"source": "newest", "base": 9}, FILES, 422, "bad_base"),
        ({"source": "original", "base": 9}, FILES, 409, "stale_revision"),
        ({"source": "elsewhere", "base": 1}, FILES, 422, "bad_request"),
        ({"source": "newest", "base": 0}, FILES, 422, "bad_request"),
        ({"source": "newest", "base": 1}, {"../a": b""}, 422, "bad_path"),
        ({"source": "newest", "base": 1}, {}, 422, "empty_lab"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_a_sentence(  # noqa: PLR0917
    server: LabsServer,
    bob: httpx.Client,
    asked: dict[str, Any],
    files: dict[str, bytes],
    status: int,
    code: str,
) -> None:
    if not server.tools.labs.find("bob", "refused"):
        forked(server, "refused")
    answer = bob.post("bob/refused/merge", files=sent(asked, files))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_broken_notebook_in_a_folder_is_kept_beside_theirs(
    server: LabsServer, bob: httpx.Client
) -> None:
    original = server.publish("ada", FILES, title="broken", name="broken")
    server.fork("bob", original)
    server.revise(original, FILES | {"main.ipynb": notebook([FIRST | {"source": "theirs"}])})
    here = FILES | {"main.ipynb": b"{ half of a notebook"}
    asked = {"source": "original", "base": 1}
    answer = bob.post("bob/broken/merge", files=sent(asked, here))
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        assert tar.getnames() == ["report.json", "files/main (r2).ipynb"]


def test_large_files_are_merged_by_their_ids(server: LabsServer) -> None:
    large = {f"data{n}.bin": bytes(1) + n.to_bytes(4, "big") * (6 << 20) for n in range(2)}
    original = server.publish("ada", FILES | large, title="large", name="large")
    fork = server.fork("bob", original)
    mine = {"data0.bin": bytes(1) + b"mine" * (6 << 20)}
    server.revise(fork, FILES | large | mine)
    theirs = {"data0.bin": bytes(1) + b"ours" * (6 << 20), "data1.bin": bytes(1) * (20 << 20)}
    server.revise(original, FILES | theirs)
    tracemalloc.start()
    UpdateService(tools=server.tools, viewer=BOB).apply("bob", "large")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 << 20
    lab = server.tools.labs.find("bob", "large")
    assert lab
    newest = server.tools.revisions.find(lab, lab.revision)
    assert newest
    sizes = {file.path: file.size for file in server.tools.repos.manifest(lab.store, newest.commit)}
    assert sizes["data1.bin"] == 20 << 20
    assert sizes["data0 (r2).bin"] == sizes["data0.bin"]


def test_a_text_with_half_a_character_is_shown_and_merged(
    server: LabsServer, bob: httpx.Client
) -> None:
    half = notebook([FIRST | {"source": "half = '\ud800'\ny = 2\nz = 3"}])
    original = server.publish("ada", FILES | {"main.ipynb": half}, title="half", name="half")
    fork = server.fork("bob", original)
    for lab, line in ((original, "'\ud801'"), (fork, "'\ud802'")):
        changed = notebook([FIRST | {"source": f"half = {line}\ny = 2\nz = 3"}])
        server.revise(lab, FILES | {"main.ipynb": changed})
    assert bob.get("bob/half/update").json()["conflicts"] == 1
    page = httpx.get(f"{server.url}/bob/half/update", headers={"X-As": "bob"})
    assert (page.status_code, "yours to decide" in page.text) == (200, True)
    assert bob.post("bob/half/update").status_code == 201


def test_a_notebook_that_is_nested_far_too_deeply_is_kept_twice(
    server: LabsServer, bob: httpx.Client
) -> None:
    def deep(word: str) -> bytes:
        nested = '{"a":' * 900 + f'"{word}"' + "}" * 900
        return notebook([FIRST]).replace(b'"metadata": {\n  "kernel', b'"metadata": {"d": '
                                         + nested.encode() + b', "kernel')  # fmt: skip

    original = server.publish("ada", FILES | {"main.ipynb": deep("old")}, title="deep", name="deep")
    fork = server.fork("bob", original)
    server.revise(original, FILES | {"main.ipynb": deep("theirs")})
    server.revise(fork, FILES | {"main.ipynb": deep("mine")})
    assert bob.get("bob/deep/update").status_code == 200
    assert bob.post("bob/deep/update").status_code == 201
    files = bob.get("bob/deep/revisions/latest/files").json()["files"]
    assert "main (r2).ipynb" in [file["path"] for file in files]
