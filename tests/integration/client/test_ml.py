"""`ml` against a real site: a lab's life from a terminal, and what is said when it goes wrong."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.ml import Terminal, terminal
from tests.support.site import Site

from machinelabs import Hub
from machinelabs.links import Link
from machinelabs_hub.scopes import ACCESS_LABS, READ_LABS

pytestmark = pytest.mark.engine

BOOK = {
    "cells": [
        {
            "cell_type": "code", "id": "c1", "source": "print(1)", "execution_count": 7,
            "metadata": {}, "outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}],
        }
    ],
    "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip


def person(site: Site, folder: Path, name: str) -> Terminal:
    """Return the terminal of somebody who is signed in by token."""
    made = terminal(folder / name)
    said = made.done("login", site.url, "--token", given=f"{site.token(name)}\n")
    assert said == {"site": f"{site.url}/services/labs", "person": name}
    return made


@pytest.fixture
def ada(site: Site, tmp_path: Path) -> Terminal:
    return person(site, tmp_path, "ml-ada")


@pytest.fixture
def ben(site: Site, tmp_path: Path) -> Terminal:
    return person(site, tmp_path, "ml-ben")


def wrote(at: Terminal, **files: Any) -> Terminal:
    for path, content in files.items():
        target = at.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content))
    return at


def test_a_folder_becomes_a_lab_that_another_person_pulls_forks_and_publishes(
    ada: Terminal, ben: Terminal, site: Site
) -> None:
    work = wrote(
        ada.at("moons"),
        **{"main.ipynb": BOOK, "a/x.csv": "1\n", ".gitignore": "*.csv\n", "a/.mlignore": "!x.csv"},
        **{"big.csv": "0" * 100, ".env": "secret"},
    )
    dry = work.done("push", "--dry-run")
    assert [file["path"] for file in dry["files"]] == ["a/x.csv", "main.ipynb"]
    assert {"path": "big.csv", "reason": "ignored"} in dry["left_out"]
    assert work.done("search", "moons", "--owner", "ml-ada")["items"] == []

    made = work.done("push", "--public", "--name", "moons", "-m", "First", "--tag", "toy")
    assert made == {
        "lab": "ml-ada/moons", "revision": 1, "visibility": "public", "new": True,
        "url": f"{site.labs_url}/ml-ada/moons",
    }  # fmt: skip
    assert work.done("push")["new"] is False
    wrote(work, **{"a/x.csv": "1\n2\n"})
    assert work.at("a").done("push", "-m", "More")["revision"] == 2

    found = ben.done("search", "moons", "--tag", "toy")["items"]
    assert [lab["lab"] for lab in found] == ["ml-ada/moons"]
    assert ben.done("open", "ml-ada/moons@r1")["url"] == f"{site.labs_url}/ml-ada/moons/@r1"
    first = ben.done("pull", "ml-ada/moons@r1")
    assert (first["revision"], first["laid"]) == (1, ["a/x.csv", "main.ipynb"])
    assert (ben.folder / "moons/a/x.csv").read_text() == "1\n"
    here = ben.at("moons")
    assert here.done("pull")["laid"] == ["a/x.csv"]
    refused = here.ml("push")
    assert refused.code == 5
    assert "ml fork" in refused.err or "Fork it" in refused.err
    fork = here.done("fork")
    assert (fork["lab"], fork["revision"]) == ("ml-ben/moons", 1)
    wrote(here, **{"mine.py": "x = 1\n"})
    assert here.done("push", "--public")["lab"] == "ml-ben/moons"
    state = Link(here.folder).read()
    assert state is not None
    assert (state.lab, state.revision, sorted(state.files)) == (
        "ml-ben/moons", 2, ["a/x.csv", "main.ipynb", "mine.py"],
    )  # fmt: skip


def test_outputs_are_stripped_once_asked_for_and_stay_so(ada: Terminal) -> None:
    work = wrote(ada.at("bare"), **{"main.ipynb": BOOK})
    lab = work.done("push", "--name", "bare", "--strip")["lab"]
    assert (work.folder / "main.ipynb").read_text() == json.dumps(BOOK)
    wrote(work, **{"b.py": ""})
    assert work.done("push")["revision"] == 2
    assert ada.done("pull", lab, "else")["folder"] == str(ada.folder / "else")
    book = json.loads((ada.folder / "else/main.ipynb").read_text())
    assert book["cells"][0]["outputs"] == []


def test_both_changed_a_file_and_nothing_is_lost(ada: Terminal) -> None:
    one = wrote(ada.at("one"), **{"a.txt": "1", "b.txt": "1"})
    lab = one.done("push", "--name", "both")["lab"]
    other = ada.at("other")
    other.done("pull", lab, ".")
    wrote(one, **{"a.txt": "2"})
    assert one.done("push")["revision"] == 2
    wrote(other, **{"a.txt": "mine"})
    stale = other.ml("push", "--json")
    assert (stale.code, stale.json["error"]["code"]) == (7, "stale_revision")
    assert "ml update" in stale.json["error"]["message"]
    overlap = other.ml("pull", "--json")
    assert (overlap.code, overlap.json["error"]["code"]) == (7, "overlap")
    assert (other.folder / "a.txt").read_text() == "mine"
    assert other.done("pull", "--beside")["beside"] == ["a (r2).txt"]
    assert (other.folder / "a.txt").read_text() == "mine"
    assert (other.folder / "a (r2).txt").read_text() == "2"
    assert other.done("push")["revision"] == 3


def test_a_fork_catches_up_undoes_it_and_offers_its_changes(ada: Terminal, ben: Terminal) -> None:
    original = wrote(ada.at("origin"), **{"a.txt": "1\n2\n3\n", "b.txt": "old\n"})
    lab = original.done("push", "--public", "--name", "origin")["lab"]
    ben.done("fork", lab, "mine")
    mine = wrote(ben.at("mine"), **{"a.txt": "1\n2\n3 of mine\n"})
    wrote(original, **{"a.txt": "1 of theirs\n2\n3\n", "b.txt": "new\n"})
    assert original.done("push")["revision"] == 2

    seen = mine.done("update", "--dry-run")
    assert {file["path"]: file["change"] for file in seen["files"]} == {
        "a.txt": "merged", "b.txt": "changed",
    }  # fmt: skip
    assert (mine.folder / "b.txt").read_text() == "old\n"
    done = mine.done("update")
    assert (done["from"], done["revision"], done["conflicts"]) == (lab, 2, 0)
    assert (mine.folder / "a.txt").read_text() == "1 of theirs\n2\n3 of mine\n"
    assert sorted(mine.done("update", "--undo")["restored"]) == ["a.txt", "b.txt"]
    assert (mine.folder / "a.txt").read_text() == "1\n2\n3 of mine\n"
    mine.done("update")
    assert mine.done("update")["files"] == []
    assert mine.done("push", "-m", "Mine and theirs", "--public")["revision"] == 2
    offered = mine.done("propose", "--title", "Mine", "-m", "Because")
    assert (offered["lab"], offered["number"]) == (lab, 1)
    assert offered["url"].endswith("/proposals/1")
    nobody = original.ml("propose")
    assert (nobody.code, "is no fork" in nobody.err) == (11, True)

    wrote(mine, **{"b.txt": "mine\n"})
    wrote(original, **{"b.txt": "theirs\n"})
    original.done("push")
    conflict = mine.ml("update", "--json")
    assert (conflict.code, conflict.json["conflicts"]) == (7, 1), conflict.err


def test_a_folder_follows_its_lab_to_another_name(ada: Terminal, ben: Terminal, site: Site) -> None:
    work = wrote(ada.at("first"), **{"a.txt": "1"})
    work.done("push", "--public", "--name", "first-name")
    ben.done("pull", "ml-ada/first-name")
    move = f"{site.labs_url}/api/v1/labs/ml-ada/first-name/move"
    headers = {"Authorization": f"Bearer {site.token('ml-ada')}"}
    httpx.post(move, json={"name": "second-name"}, headers=headers).raise_for_status()
    wrote(work, **{"a.txt": "2"})
    assert work.done("push")["lab"] == "ml-ada/second-name"
    here = ben.at("first-name")
    assert here.done("pull")["lab"] == "ml-ada/second-name"
    assert (here.folder / "a.txt").read_text() == "2"
    assert here.done("update")["files"] == []
    assert ben.done("open", "ml-ada/first-name")["lab"] == "ml-ada/second-name"


def test_a_container_needs_no_sign_in(site: Site, tmp_path: Path) -> None:
    inside = terminal(
        tmp_path,
        MACHINELABS_LABS_URL=f"{site.addresses.labs_local}/services/labs",
        JUPYTERHUB_API_TOKEN=site.token("ml-ivy"),
        MACHINELABS_IMAGE="datascience",
    )
    made = wrote(inside.at("in"), **{"main.ipynb": BOOK}).done("push", "--name", "inside")
    assert made["url"] == f"{site.labs_url}/ml-ivy/inside"
    assert not (inside.home / ".config").exists()


def test_a_machine_of_a_pipeline_is_told_by_its_environment(site: Site, tmp_path: Path) -> None:
    token = site.token("ml-ci", [ACCESS_LABS, READ_LABS])
    pipeline = terminal(tmp_path, MACHINELABS_URL=site.url, MACHINELABS_TOKEN=token)
    wrote(pipeline.at("x"), **{"main.ipynb": BOOK})
    assert pipeline.done("search", "--owner", "ml-ci")["items"] == []
    narrow = pipeline.at("x").ml("push", "--json")
    assert (narrow.code, narrow.json["error"]["code"]) == (5, "token_too_narrow")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["pull", "ml-ada/nothing"], 6, "no lab ml-ada/nothing"),
        (["pull", "nonsense"], 11, "is not a lab"),
        (["pull"], 10, "is not a lab's folder"),
        (["fork", "ml-ada/nothing"], 6, "no lab"),
        (["push"], 10, "no file here"),
        (["search", "--cursor", "zz"], 11, ""),
        (["search", "--site", "127.0.0.1:9", "x"], 3, "cannot be reached"),
        (["logout", "other.example.org"], 11, "not signed in"),
        (["open"], 10, "is not a lab's folder"),
        (["nothing"], 2, "invalid choice"),
    ],
)
def test_every_refusal_is_a_sentence_and_a_code(
    ada: Terminal, arguments: list[str], code: int, says: str
) -> None:
    ended = ada.at("empty").ml(*arguments)
    assert (ended.code, ended.out) == (code, ""), ended.err
    assert says in ended.err


def test_a_folder_is_published_to_a_group_and_a_lab_is_forked_to_it(
    ben: Terminal, site: Site, tmp_path: Path
) -> None:
    # Before she asks for anything: what is known of a token holds for half a minute.
    site.make_group("ml-vision", "ml-cleo")
    cleo = person(site, tmp_path, "ml-cleo")
    work = wrote(cleo.at("ours"), **{"a.txt": "1"})
    assert "as a new lab of @ml-vision" in work.ml("push", "--dry-run", "--to", "@ml-vision").out
    made = work.done("push", "--public", "--to", "@ml-vision/ours")
    assert made["lab"] == "@ml-vision/ours"
    wrote(work, **{"a.txt": "2"})
    assert work.done("push")["revision"] == 2
    said = work.ml("push", "--to", "@ml-vision")
    assert (said.code, "@ml-vision/ours already: --to is for a new lab" in said.err) == (11, True)

    # Somebody else's lab becomes the group's fork: in a folder of its own, or where it lies.
    wrote(ben.at("mine"), **{"b.txt": "1"}).done("push", "--public", "--name", "bens")
    fork = cleo.done("fork", "ml-ben/bens", "--to", "@ml-vision")
    assert fork["lab"] == "@ml-vision/bens"
    cleo.done("pull", "ml-ben/bens", "beside")
    named = cleo.at("beside").done("fork", "--to", "@ml-vision/again")
    assert named["lab"] == "@ml-vision/again"

    refused = wrote(ben.at("out"), **{"a.txt": "1"}).ml("push", "--to", "@ml-vision/out")
    assert (refused.code, "as @group where you are in that group" in refused.err) == (5, True)
    refused = ben.ml("fork", "@ml-vision/ours", "--to", "@ml-vision")
    assert (refused.code, "You cannot publish as “@ml-vision”" in refused.err) == (5, True)
    assert not (ben.folder / "ours").exists()
    twice = ben.at("out").ml("push", "--to", "@ml-vision/out", "--name", "in")
    assert (twice.code, "The name is said twice" in twice.err) == (11, True)


def test_who_is_not_known_is_told_how_to_sign_in(site: Site, tmp_path: Path) -> None:
    nobody = terminal(tmp_path)
    assert "ml login" in nobody.ml("search", "x").err
    bad = nobody.ml("login", site.url, "--token", given="0" * 32)
    assert (bad.code, "does not take this token" in bad.err) == (4, True), bad.err
    assert not (nobody.home / ".config").exists()
    wrote(nobody, **{"a.txt": "1"})
    refused = nobody.ml("push", "--site", site.url)
    assert refused.code == 4
    assert f"You are not signed in to {site.url}" in refused.err


def test_a_lab_that_is_gone_leaves_the_folder_as_it_was(ada: Terminal, site: Site) -> None:
    work = wrote(ada.at("gone"), **{"a.txt": "1"})
    lab = work.done("push", "--name", "gone")["lab"]
    with Hub(site.labs_url, site.token("ml-ada")) as hub:
        hub.labs.delete(lab)
    ended = work.ml("push")
    assert (ended.code, "ml push --new" in ended.err) == (6, True)
    assert work.done("push", "--new", "--name", "gone-again")["lab"] == "ml-ada/gone-again"


def test_credentials_are_for_their_owner_alone_and_forgotten_on_logout(
    ada: Terminal, site: Site
) -> None:
    file = ada.home / ".config/machinelabs/credentials.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    file.chmod(0o644)
    ada.done("search", "x")
    assert file.stat().st_mode & 0o777 == 0o600
    assert ada.done("logout")["site"] == f"{site.url}/services/labs"
    assert "Sign in" in ada.ml("search", "x").err
