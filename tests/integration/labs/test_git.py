"""Cloning and fetching by the real git client, from a lab's export alone."""

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support.git_client import GitClient
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.lab import Visibility

FILES = {"main.py": b"print(1)\n", "data/a b.csv": b"1,2\n", "README.md": "# Löwen\n".encode()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("git")) as running:
        yield running


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_a_clone_has_the_files_the_history_and_a_tag_for_each_revision(
    server: LabsServer, tmp_path: Path, protocol: int
) -> None:
    lab = server.publish("ada", FILES, title=f"Clone {protocol}")
    server.revise(lab, FILES | {"main.py": b"print(2)\n"}, "Count on")
    git = GitClient(tmp_path, protocol=protocol)
    git.run("clone", f"{server.url}/{lab.path}.git", "it")
    found = {
        str(path.relative_to(tmp_path / "it")): path.read_bytes()
        for path in (tmp_path / "it").rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
    assert found == FILES | {"main.py": b"print(2)\n"}
    log = git.run("log", "--format=%an|%s|%D", at="it").splitlines()
    assert log == [
        "ada|Count on|HEAD -> main, tag: r2, origin/main, origin/HEAD",
        "ada|r1|tag: r1",
    ]
    assert git.run("fsck", "--strict", at="it") == ""


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_fetch_brings_what_was_published_since(
    server: LabsServer, tmp_path: Path, protocol: int
) -> None:
    lab = server.publish("ada", FILES, title=f"Fetch {protocol}")
    git = GitClient(tmp_path, protocol=protocol)
    git.run("clone", f"{server.url}/{lab.path}.git", "it")
    server.revise(lab, {"main.py": b"print(3)\n"}, "Only this")
    git.run("pull", "--ff-only", at="it")
    assert (tmp_path / "it/main.py").read_bytes() == b"print(3)\n"
    assert not (tmp_path / "it/README.md").exists()
    assert git.run("describe", "--tags", at="it") == "r2\n"


def test_a_file_stays_executable(server: LabsServer, tmp_path: Path) -> None:
    files = {"run.sh": b"#!/bin/sh\necho hello\n", "data.txt": b"1"}
    lab = server.publish("ada", files, title="Modes", executable={"run.sh"})
    GitClient(tmp_path).run("clone", f"{server.url}/{lab.path}.git", "it")
    assert os.access(tmp_path / "it/run.sh", os.X_OK)
    assert not os.access(tmp_path / "it/data.txt", os.X_OK)
    address = f"{server.url}/api/v1/labs/{lab.path}/revisions/1/archive"
    with tarfile.open(fileobj=io.BytesIO(httpx.get(address).content)) as tar:
        assert [(item.name, item.mode) for item in tar] == [("data.txt", 0o644), ("run.sh", 0o755)]


def test_a_shallow_clone_has_the_newest_revision_alone(server: LabsServer, tmp_path: Path) -> None:
    lab = server.publish("ada", FILES, title="Shallow")
    for number in range(4):
        server.revise(lab, {"main.py": f"print({number})\n".encode()})
    git = GitClient(tmp_path)
    git.run("clone", "--depth", "1", f"{server.url}/{lab.path}.git", "it")
    assert git.run("rev-list", "--count", "HEAD", at="it") == "1\n"
    git.run("fetch", "--unshallow", at="it")
    assert git.run("rev-list", "--count", "HEAD", at="it") == "5\n"


def test_an_export_made_anew_has_the_same_commits(server: LabsServer, tmp_path: Path) -> None:
    lab = server.publish("ada", FILES, title="Anew")
    server.revise(lab, {"main.py": b"print(2)\n"})
    git = GitClient(tmp_path)
    git.run("clone", f"{server.url}/{lab.path}.git", "it")
    server.tools.exports.drop(lab.uid)
    assert not server.tools.exports.path(lab.uid, 1).exists()
    refs = git.run("ls-remote", "origin", "refs/heads/main", at="it")
    assert refs.split()[0] == git.oid("HEAD", at="it")


def test_a_fork_is_cloned_without_what_its_parent_did_before(
    server: LabsServer, tmp_path: Path
) -> None:
    lab = server.publish("ada", {"secret.txt": b"old"}, title="Parent")
    server.revise(lab, FILES)
    fork = server.fork("bob", lab)
    git = GitClient(tmp_path)
    git.run("clone", f"{server.url}/{fork.path}.git", "it")
    assert git.run("rev-list", "--count", "HEAD", at="it") == "1\n"
    assert "secret.txt" not in git.run("log", "--name-only", at="it")


def test_an_export_holds_no_object_of_another_lab_and_borrows_none(
    server: LabsServer, tmp_path: Path
) -> None:
    lab = server.publish("ada", {"a.txt": b"public"}, title="Alone")
    secret = server.publish("ada", {"a.txt": b"none of yours"}, visibility=Visibility.PRIVATE)
    GitClient(tmp_path).run("clone", f"{server.url}/{lab.path}.git", "it")
    export = server.tools.exports.path(lab.uid, 1)
    listed = subprocess.run(
        ["git", "--git-dir", str(export), "cat-file", "--batch-all-objects", "--batch-check"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert [line.split()[1] for line in sorted(listed, key=lambda it: it.split()[1])] == [
        "blob",
        "commit",
        "tree",
    ]
    assert not (export / "objects/info/alternates").exists()
    assert not server.tools.exports.path(secret.uid, 1).exists()


@pytest.mark.parametrize(
    "address",
    [
        "HEAD",
        "config",
        "packed-refs",
        "objects/info/alternates",
        "objects/info/packs",
        "info/refs",
        "info/refs?service=git-upload-archive",
        "info/refs?service=../../etc",
        "..%2f..%2fsecrets",
        "%2e%2e/%2e%2e/",
        "git-upload-archive",
    ],
)
def test_files_of_a_repository_are_not_served(server: LabsServer, address: str) -> None:
    lab = server.publish("ada", FILES, title="Dumb")
    answer = httpx.get(f"{server.url}/{lab.path}.git/{address}")
    assert answer.status_code == 404
    assert b"PACK" not in answer.content
    assert "ref:" not in answer.text


def test_a_browser_is_led_to_the_lab(server: LabsServer) -> None:
    lab = server.publish("ada", FILES, title="Page")
    answer = httpx.get(f"{server.url}/{lab.path}.git/")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/services/labs/{lab.path}",
    )


def test_the_files_tab_says_how_to_clone(server: LabsServer, tmp_path: Path) -> None:
    lab = server.publish("ada", FILES, title="Shown")
    page = httpx.get(f"{server.url}/{lab.path}/files").text
    order = f"git clone {server.url}/{lab.path}.git"
    assert f"<code>{order}</code>" in page
    GitClient(tmp_path).run(*order.split()[1:], "it")
    assert "git clone" not in httpx.get(f"{server.url}/{lab.path}/files/data").text


def test_a_client_that_goes_away_leaves_no_git_behind(server: LabsServer) -> None:
    lab = server.publish("ada", {f"{n}.bin": os.urandom(1 << 20) for n in range(40)}, title="Big")
    url = f"{server.url}/{lab.path}.git"
    refs = httpx.get(f"{url}/info/refs?service=git-upload-pack", timeout=60).text
    tip = refs.split("0000", 1)[1][4:44]
    want = f"want {tip} ofs-delta\n"
    body = f"{len(want) + 4:04x}{want}00000009done\n"
    kind = {"Content-Type": "application/x-git-upload-pack-request"}
    with httpx.stream(
        "POST", f"{url}/git-upload-pack", content=body, headers=kind, timeout=60
    ) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_bytes()
        next(pieces)
        assert upload_packs()
    for _ in range(100):
        if not upload_packs():
            break
        httpx.get(f"{server.url}/health")
    assert not upload_packs()


def upload_packs() -> list[str]:
    """Return the git processes that serve somebody now, of this process alone."""
    children = subprocess.run(
        ["ps", "-ww", "--ppid", str(os.getpid()), "-o", "args="],
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in children.stdout.splitlines() if "upload-pack --stateless" in line]
