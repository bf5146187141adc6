"""Pushing by the real git client, to a real site whose Hub knows the tokens."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.support.git_client import GitClient
from tests.support.many_labs import notebook
from tests.support.site import Site, running
from tests.support.site_labs import FILES, api, parts, publish

from machinelabs_hub.labs.services.reindex import reindex
from machinelabs_hub.labs.services.tools import Tools

pytestmark = pytest.mark.engine

LIMITS = {
    "file_mib": 2,
    "notebook_mib": 1,
    "lab_mib": 6,
    "lab_files": 20,
    "publishes_per_hour": 100_000,
    "requests_per_minute": 100_000,
}
SERIAL = count()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where little is much."""
    with running(tmp_path_factory.mktemp("small"), limits=LIMITS) as site:
        yield site


@pytest.fixture(scope="module")
def token(small: Site) -> str:
    return small.token("ada")


@pytest.fixture
def git(token: str, tmp_path: Path) -> GitClient:
    return GitClient(tmp_path, token=token)


def newest(site: Site, token: str, name: str) -> dict[str, Any]:
    with api(site, token) as client:
        found: dict[str, Any] = client.get(f"/labs/ada/{name}/revisions").json()["items"][0]
    return found


def test_each_pushed_commit_is_a_revision_by_the_pusher(
    small: Site, token: str, git: GitClient
) -> None:
    url = publish(small, token, "steps")
    git.run("clone", url, "it")
    git.commit("it", {"b.py": b"2"}, "Add b\n\nBecause it was not there.")
    git.commit("it", {"c.py": b"3", "run.sh": b"#!/bin/sh\n"}, "Add c")
    (git.folder / "it/run.sh").chmod(0o755)
    last = git.commit("it", {}, "Make it run")
    said = git.run("push", at="it")
    assert f"remote: ada/steps has r4 now: {small.labs_url}/ada/steps" in said
    with api(small, token) as client:
        items = client.get("/labs/ada/steps/revisions").json()["items"]
        assert [(it["number"], it["message"], it["author"]) for it in items[:3]] == [
            (4, "Make it run", "ada"),
            (3, "Add c", "ada"),
            (2, "Add b\n\nBecause it was not there.", "ada"),
        ]
        files = client.get("/labs/ada/steps/revisions/3/files").json()["files"]
        assert [file["path"] for file in files] == [
            "b.py",
            "c.py",
            "data/a.csv",
            "main.py",
            "run.sh",
        ]
        content = client.get("/labs/ada/steps/revisions/2/files/b.py")
        assert content.content == b"2"
    assert "up to date" in git.run("pull", at="it").lower()
    git.run("clone", url, "again")
    assert git.oid("HEAD", at="again") == last
    assert git.oid("r4", at="again") == last
    assert os.access(git.folder / "again/run.sh", os.X_OK)


def test_an_export_made_anew_has_the_pushed_commits(
    small: Site, token: str, git: GitClient
) -> None:
    url = publish(small, token, "anew")
    git.run("clone", url, "it")
    git.commit("it", {"b.py": b"2"}, "Add b")
    git.run("push", at="it")
    tools = Tools.of(small.settings)
    lab = tools.labs.find("ada", "anew")
    assert lab is not None
    tools.exports.drop(lab.uid)
    assert "up to date" in git.run("pull", at="it").lower()
    assert reindex(tools).faults == []
    tools.close()


def test_a_merge_of_what_was_published_meanwhile_is_one_revision(
    small: Site, token: str, git: GitClient
) -> None:
    url = publish(small, token, "merged")
    git.run("clone", url, "it")
    git.commit("it", {"mine.py": b"1"}, "Mine")
    git.commit("it", {"mine.py": b"2"}, "Mine again")
    with api(small, token) as client:
        body = {"base": 1, "message": "Theirs"}
        sent = parts("revision", body, FILES | {"theirs.py": b"1"})
        assert client.post("/labs/ada/merged/revisions", files=sent).status_code == 201
    said = git.refused("push", at="it")
    assert "fetch first" in said
    git.run("pull", "--no-rebase", "--no-edit", at="it")
    assert "has r3 now" in git.run("push", at="it")
    with api(small, token) as client:
        files = client.get("/labs/ada/merged/revisions/3/files").json()["files"]
    assert {"mine.py", "theirs.py"} <= {file["path"] for file in files}
    git.run("clone", url, "again")
    assert git.oid("HEAD", at="again") == git.oid("HEAD", at="it")


def test_history_is_never_taken_back(small: Site, token: str, git: GitClient) -> None:
    url = publish(small, token, "forced")
    git.run("clone", url, "it")
    git.commit("it", {"b.py": b"2"}, "Add b")
    git.run("push", at="it")
    git.run("commit", "--amend", "-m", "Another", at="it")
    said = git.refused("push", "--force", at="it")
    assert "remote: Your main does not follow r2 of ada/forced" in said
    assert "main -> main (non-fast-forward)" in said
    assert newest(small, token, "forced")["message"] == "Add b"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("HEAD:refs/heads/other",), "The branch other was not taken"),
        (("HEAD:refs/tags/v1",), "The tag v1 was not taken"),
        (("HEAD:refs/labs/0123",), "The branch refs/labs/0123 was not taken"),
        (("HEAD:refs/details/0123",), "was not taken"),
        ((":main",), "main cannot be deleted"),
        (("--force", "HEAD:refs/tags/r1"), "r1"),
    ],
)
def test_only_main_is_pushed(
    small: Site, token: str, git: GitClient, words: tuple[str, ...], said: str
) -> None:
    name = f"refs-{next(SERIAL)}"
    git.run("clone", publish(small, token, name), "it")
    git.commit("it", {"b.py": b"2"}, "Add b")
    assert said in git.refused("push", "origin", *words, at="it")
    assert newest(small, token, name)["number"] == 1


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"big.bin": os.urandom(3 << 20)}, "“big.bin” has 3.0 MiB. The most that a file may have"),
        (
            {f"{n}.bin": os.urandom(3 << 19) for n in range(5)},
            "larger than",
        ),
        ({f"{n}.txt": b"%d" % n for n in range(30)}, "more than 20 files"),
        ({"bad.ipynb": b"{"}, "bad.ipynb"),
        ({"ml.yaml": b"image: [\n"}, "ml.yaml"),
        ({"ml.yaml": b"image: no-such-image\n"}, "no-such-image"),
        ({"A.py": b"1", "a.py": b"2"}, "are one file on many machines"),
        ({"back\\slash": b"1"}, "backslash"),
        ({".machinelabs/state": b"1"}, "your own state of a lab"),
        ({"big.ipynb": notebook(kilobytes=1500)}, "big.ipynb"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_publish_refuses_a_push_refuses_too(
    small: Site, token: str, git: GitClient, files: dict[str, bytes], said: str
) -> None:
    name = f"refused-{next(SERIAL)}"
    git.run("clone", publish(small, token, name), "it")
    git.commit("it", {"fine.py": b"1"}, "Fine")
    git.commit("it", files, "Not fine")
    heard = git.refused("push", at="it")
    assert said in heard.replace("\nremote: ", " ")
    assert "remote: " in heard
    assert newest(small, token, name)["number"] == 1
    git.run("reset", "--hard", "HEAD~1", at="it")
    assert "has r2 now" in git.run("push", at="it")


def test_links_and_submodules_are_refused_in_the_history_too(
    small: Site, token: str, git: GitClient
) -> None:
    git.run("clone", publish(small, token, "links"), "it")
    (git.folder / "it/link").symlink_to("/etc/passwd")
    git.commit("it", {}, "Link")
    assert "“link” is a symbolic link" in git.refused("push", at="it")
    (git.folder / "it/link").unlink()
    git.commit("it", {}, "No link")
    assert "“link” is a symbolic link" in git.refused("push", at="it")
    git.run("reset", "--hard", "origin/main", at="it")
    head = git.oid("HEAD", at="it")
    git.run("update-index", "--add", "--cacheinfo", f"160000,{head},inside", at="it")
    git.run("commit", "-m", "Submodule", at="it")
    assert "a submodule" in git.refused("push", at="it")
    assert newest(small, token, "links")["number"] == 1


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", ".", "git~1"])
def test_paths_that_lead_out_are_refused(
    small: Site, token: str, git: GitClient, name: str
) -> None:
    lab = f"paths-{next(SERIAL)}"
    git.run("clone", publish(small, token, lab), "it")
    blob = git.run("hash-object", "-w", "main.py", at="it").strip()
    entry = b"100644 " + name.encode() + b"\0" + bytes.fromhex(blob)
    (git.folder / "it/tree").write_bytes(entry)
    tree = git.run("hash-object", "-t", "tree", "-w", "--literally", "tree", at="it").strip()
    commit = git.run("commit-tree", tree, "-p", "HEAD", "-m", "Out", at="it").strip()
    said = git.refused("push", "origin", f"{commit}:main", at="it")
    assert "remote: " in said
    assert newest(small, token, lab)["number"] == 1


def test_a_large_file_is_refused_in_the_history_too(
    small: Site, token: str, git: GitClient
) -> None:
    git.run("clone", publish(small, token, "hidden"), "it")
    git.commit("it", {"zeros.bin": bytes(64 << 20)}, "Zeros")
    (git.folder / "it/zeros.bin").unlink()
    git.commit("it", {}, "No zeros")
    assert "“zeros.bin” has 64.0 MiB" in git.refused("push", at="it")


def test_a_push_far_too_large_hears_why(small: Site, token: str, git: GitClient) -> None:
    git.run("clone", publish(small, token, "huge"), "it")
    git.commit("it", {"noise.bin": os.urandom(12 << 20)}, "Noise")
    assert "The push is larger than 7 MiB" in git.refused("push", at="it")
    assert newest(small, token, "huge")["number"] == 1


def test_more_commits_than_revisions_become_one(small: Site, token: str, git: GitClient) -> None:
    url = publish(small, token, "many")
    git.run("clone", url, "it")
    for number in range(51):
        git.run("commit", "--quiet", "--allow-empty", "-m", f"Step {number}", at="it")
    assert "has r2 now" in git.run("push", at="it")
    assert newest(small, token, "many")["message"] == "Step 50"
    git.run("clone", url, "again")
    assert git.oid("HEAD", at="again") == git.oid("HEAD", at="it")


def test_a_shallow_clone_can_push(small: Site, token: str, git: GitClient) -> None:
    url = publish(small, token, "shallow")
    git.run("clone", url, "it")
    git.commit("it", {"b.py": b"2"}, "Add b")
    git.run("push", at="it")
    git.run("clone", "--depth", "1", url, "flat")
    git.commit("flat", {"c.py": b"3"}, "Add c")
    assert "has r3 now" in git.run("push", at="flat")
