"""From a person's folder to a lab and on to another person's: server part and labs service."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.notebook_server import NotebookServer, environment, notebook_server
from tests.support.site import Site

from .conftest import OTHER, OWNER

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
NAVIGATION = {
    "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-site",
}  # fmt: skip


def draft(path: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "path": path, "title": name.title(), "name": name, "description": "d", "tags": ["t"],
        "visibility": "public", "licence": "MIT", "strip": False, **more,
    }  # fmt: skip


def publish(server: NotebookServer, path: str, name: str, **more: Any) -> dict[str, Any]:
    job = server.finish(server.post("publish", draft(path, name, **more)))
    assert job["state"] == "done", job
    result: dict[str, Any] = job["result"]
    return result


def test_a_folder_becomes_a_lab_and_then_its_next_revision(olga: NotebookServer) -> None:
    olga.write("work/main.ipynb", BOOK)
    olga.write("work/data/a.csv", "1,2\n")
    olga.write("work/.git/config", "secret")
    preview = olga.post("preview", {"path": "work"})
    assert [file["path"] for file in preview["files"]] == ["data/a.csv", "main.ipynb"]
    assert preview["left_out"] == [{"path": ".git", "reason": "hidden"}]
    assert preview["faults"] == []
    assert olga.get("standing", path="work")["lab"] is None

    result = publish(olga, "work", "folder")
    assert result["lab"] == f"{OWNER}/folder"
    assert result["revision"] == 1
    standing = olga.get("standing", path="work/main.ipynb")["lab"]
    assert (standing["lab"], standing["revision"], standing["may_edit"]) == (
        f"{OWNER}/folder",
        1,
        True,
    )
    assert standing["changed"] == standing["added"] == standing["deleted"] == []

    olga.write("work/data/a.csv", "1,2,3\n")
    olga.write("work/new.txt", "n")
    standing = olga.get("standing", path="work")["lab"]
    assert (standing["changed"], standing["added"]) == (["data/a.csv"], ["new.txt"])
    job = olga.finish(olga.post("revise", {"path": "work", "message": "More", "strip": None}))
    assert job["result"]["revision"] == 2
    assert olga.get("standing", path="work")["lab"]["changed"] == []
    again = olga.finish(olga.post("revise", {"path": "work", "message": ""}))
    assert again["result"]["unchanged"] is True
    assert again["result"]["revision"] == 2


def test_a_notebook_alone_becomes_a_lab_without_outputs(olga: NotebookServer) -> None:
    olga.write("alone.ipynb", BOOK)
    olga.write("beside.txt", "not mine to publish")
    preview = olga.post("preview", {"path": "alone.ipynb", "strip": True})
    assert [file["path"] for file in preview["files"]] == ["alone.ipynb"]
    assert preview["files"][0]["size"] < (olga.home / "alone.ipynb").stat().st_size + 200
    publish(olga, "alone.ipynb", "alone", strip=True)
    standing = olga.get("standing", path="alone.ipynb")["lab"]
    assert (standing["kind"], standing["strip"], standing["changed"]) == ("file", True, [])
    assert olga.get("standing", path="beside.txt")["lab"] is None
    assert json.loads((olga.home / "alone.ipynb").read_text())["cells"][0]["outputs"]

    opened = olga.post("open", {"lab": f"{OWNER}/alone"})
    assert opened["path"] == "labs/alone/alone.ipynb"
    laid = json.loads((olga.home / opened["path"]).read_text())
    assert laid["cells"][0]["outputs"] == []
    assert laid["cells"][0]["execution_count"] is None


def test_a_folder_is_published_to_a_group_by_whoever_is_in_it(
    site: Site, olga: NotebookServer, omar: NotebookServer
) -> None:
    site.make_group("ext-vision", OWNER)
    # What the labs service knows of a token holds for half a minute.
    until = time.monotonic() + 60
    while "@ext-vision" not in olga.get("choices")["owners"] and time.monotonic() < until:
        time.sleep(1)
    assert olga.get("choices")["owners"] == [OWNER, "@ext-vision"]
    assert omar.get("choices")["owners"] == [OTHER]
    olga.write("grouped/main.ipynb", BOOK)
    made = publish(olga, "grouped", "grouped", owner="@ext-vision")
    assert made["lab"] == "@ext-vision/grouped"
    assert olga.get("standing", path="grouped")["lab"]["may_edit"] is True
    listed = olga.get("labs", scope="mine", owner="@ext-vision")["items"]
    assert [(row["lab"], row["mine"]) for row in listed] == [("@ext-vision/grouped", True)]
    assert made["lab"] not in [row["lab"] for row in olga.get("labs", scope="mine")["items"]]
    olga.write("grouped/more.txt", "more")
    job = olga.finish(olga.post("revise", {"path": "grouped", "message": "", "strip": False}))
    assert (job["result"]["lab"], job["result"]["revision"]) == ("@ext-vision/grouped", 2)

    omar.write("grouped/main.ipynb", BOOK)
    refused = omar.finish(omar.post("publish", draft("grouped", "other", owner="@ext-vision")))
    assert refused["state"] == "failed"
    assert "You cannot publish as “@ext-vision”" in refused["message"]
    assert omar.get("standing", path="grouped")["lab"] is None


def test_another_person_forks_opens_changes_and_publishes_theirs(
    olga: NotebookServer, omar: NotebookServer
) -> None:
    olga.write("share/main.ipynb", BOOK)
    publish(olga, "share", "share")
    found = omar.get("labs", scope="explore", q="share")["items"]
    [row] = [row for row in found if row["lab"] == f"{OWNER}/share"]
    assert row["mine"] is False
    opened = omar.post("open", {"lab": f"{OWNER}/share", "fork": True})
    assert opened["lab"] == f"{OTHER}/share"
    assert (omar.home / "labs/share/main.ipynb").is_file()
    assert omar.post("open", {"lab": f"{OWNER}/share", "fork": True}) == opened

    omar.write("labs/share/note.md", "mine")
    job = omar.finish(omar.post("revise", {"path": "labs/share", "message": "Note"}))
    assert job["result"]["lab"] == f"{OTHER}/share"
    assert not (olga.home / "share/note.md").exists()
    assert [row["lab"] for row in omar.get("labs", scope="mine")["items"]] == [f"{OTHER}/share"]
    assert omar.get("recent")["items"][0]["lab"] == f"{OTHER}/share"


def test_files_of_anothers_lab_become_a_fork_when_they_are_published(
    olga: NotebookServer, omar: NotebookServer
) -> None:
    olga.write("adopt/main.ipynb", BOOK)
    publish(olga, "adopt", "adopt")
    omar.post("open", {"lab": f"{OWNER}/adopt"})
    omar.write("labs/adopt/mine.txt", "x")
    assert omar.get("standing", path="labs/adopt")["lab"]["may_edit"] is False
    adopted = omar.post("adopt", {"path": "labs/adopt"})
    assert adopted["lab"] == f"{OTHER}/adopt"
    job = omar.finish(omar.post("revise", {"path": "labs/adopt", "message": ""}))
    assert job["state"] == "done", job
    assert job["result"]["lab"] == f"{OTHER}/adopt"


def test_a_stale_publish_says_so_and_loses_nothing(
    olga: NotebookServer, site: Site, tmp_path: Path
) -> None:
    olga.write("stale/main.ipynb", BOOK)
    olga.write("stale/other.txt", "1")
    publish(olga, "stale", "stale")
    with notebook_server(tmp_path, **environment(site, OWNER)) as laptop:
        laptop.post("open", {"lab": f"{OWNER}/stale"})
        laptop.write("labs/stale/other.txt", "from the laptop")
        laptop.finish(laptop.post("revise", {"path": "labs/stale", "message": ""}))
    olga.write("stale/other.txt", "from here")
    job = olga.finish(olga.post("revise", {"path": "stale", "message": ""}))
    assert (job["state"], job["code"]) == ("failed", "stale_revision")
    assert "r2" in job["message"]
    assert (olga.home / "stale/other.txt").read_text() == "from here"
    assert olga.get("standing", path="stale")["lab"]["revision"] == 1

    # Looking changes nothing; updating keeps both sides, and undoing brings back the exact bytes.
    asked = {"path": "stale", "source": "newest"}
    seen = olga.post("update/preview", asked)
    assert [file["path"] for file in seen["files"]] == ["other.txt"]
    assert seen["conflicts"] == 1
    assert (olga.home / "stale/other.txt").read_text() == "from here"
    assert olga.post("update", asked)["folder"] == "stale"
    both = (olga.home / "stale/other.txt").read_text()
    assert "from here" in both
    assert "from the laptop" in both
    assert olga.get("standing", path="stale")["lab"]["undoable"] is True
    assert olga.post("update/undo", {"path": "stale"})["restored"] == ["other.txt"]
    assert (olga.home / "stale/other.txt").read_text() == "from here"
    assert olga.get("standing", path="stale")["lab"]["revision"] == 1
    olga.post("update", asked)
    job = olga.finish(olga.post("revise", {"path": "stale", "message": "Both"}))
    assert job["result"]["revision"] == 3


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("bad-json/main.ipynb", "{", "is not a notebook"),
        ("bad-name/a\nb.txt", "x", "cannot be shown"),
        ("bad-clash/a.txt", "x", "one file on many machines"),
    ],
)
def test_what_cannot_be_published_is_a_sentence_and_no_lab(
    olga: NotebookServer, path: str, content: str, words: str
) -> None:
    folder = path.partition("/")[0]
    olga.write(path, content)
    if folder == "bad-clash":
        olga.write(f"{folder}/A.TXT", "y")
    job = olga.finish(olga.post("publish", draft(folder, folder)))
    assert job["state"] == "failed"
    assert words in job["message"]
    assert all(row["name"] != folder for row in olga.get("labs", scope="mine")["items"])
    assert not (olga.home / folder / ".machinelabs/lab.json").exists()


def test_a_link_out_of_the_folder_stops_the_publish(olga: NotebookServer) -> None:
    olga.write("linked/main.ipynb", BOOK)
    (olga.home / "linked/passwords").symlink_to("/etc/passwd")
    assert "outside the folder" in olga.post("preview", {"path": "linked"})["faults"][0]
    job = olga.finish(olga.post("publish", draft("linked", "linked")))
    assert job["state"] == "failed"
    assert "outside the folder" in job["message"]


def test_a_name_already_taken_is_said(olga: NotebookServer) -> None:
    olga.write("taken/a.txt", "1")
    publish(olga, "taken", "taken")
    olga.write("taken2/a.txt", "2")
    job = olga.finish(olga.post("publish", draft("taken2", "taken")))
    assert (job["state"], job["code"]) == ("failed", "name_taken")


def test_the_open_page_lays_the_lab_and_goes_to_its_notebook(
    olga: NotebookServer, omar: NotebookServer
) -> None:
    olga.write("page/main.ipynb", BOOK)
    publish(olga, "page", "page")
    answer = omar.http.get(f"/machinelabs/open?lab={OWNER}/page", headers=NAVIGATION)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/lab/tree/labs/page/main.ipynb"
    omar.write("labs/page/main.ipynb", "mine")
    omar.http.get(f"/machinelabs/open?lab={OWNER}/page", headers=NAVIGATION)
    assert (omar.home / "labs/page/main.ipynb").read_text() == "mine"


def test_a_page_of_someone_else_cannot_make_it_lay_files(
    olga: NotebookServer, omar: NotebookServer
) -> None:
    olga.write("quiet/main.ipynb", BOOK)
    publish(olga, "quiet", "quiet")
    crossed = {**NAVIGATION, "Sec-Fetch-Site": "cross-site"}
    answer = omar.http.get(f"/machinelabs/open?lab={OWNER}/quiet", headers=crossed)
    assert answer.status_code == 200
    assert "on this server?" in answer.text
    assert not (omar.home / "labs/quiet").exists()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (f"lab={OWNER}/none", "There is no lab"),
        ("lab=../../etc", "owner/name"),
        ("lab=", "owner/name"),
        (f"lab={OWNER}/page&path=../../x", "inside its folder"),
        ("lab=%3Cscript%3Ealert(1)%3C/script%3E", "There is no lab"),
    ],
)
def test_what_cannot_be_opened_is_a_page_with_a_sentence(
    omar: NotebookServer, query: str, words: str
) -> None:
    answer = omar.http.get(f"/machinelabs/open?{query}", headers=NAVIGATION)
    assert answer.status_code in {404, 422}
    assert words in answer.text
    assert "<script>alert" not in answer.text
    assert "Traceback" not in answer.text


def test_a_private_lab_is_nobody_elses(olga: NotebookServer, omar: NotebookServer) -> None:
    olga.write("hidden/main.ipynb", BOOK)
    publish(olga, "hidden", "hidden", visibility="private")
    refused = omar.ask("POST", "open", {"lab": f"{OWNER}/hidden"})
    assert refused.status_code == 404
    assert not (omar.home / "labs/hidden").exists()


def test_an_expired_token_is_said_and_never_shown(site: Site, tmp_path: Path) -> None:
    expired = environment(site, OWNER, JUPYTERHUB_API_TOKEN="0123456789abcdef-expired")
    with notebook_server(tmp_path, **expired) as server:
        server.write("work/a.txt", "x")
        answer = server.ask("GET", "labs", scope="mine")
        assert answer.status_code == 424
        assert "expired" in answer.json()["message"]
        assert "0123456789abcdef" not in answer.text + server.log.read_text()
        about = server.http.get("/machinelabs/api/about").text
        assert "0123456789abcdef" not in about


def test_a_site_that_is_away_is_said(tmp_path: Path, site: Site) -> None:
    away = environment(site, OWNER, MACHINELABS_LABS_URL="http://127.0.0.1:9/services/labs")
    with notebook_server(tmp_path, **away) as server:
        answer = server.ask("GET", "labs", scope="mine")
        assert answer.status_code == 502
        assert "cannot be reached" in answer.json()["message"]
        assert server.get("standing", path="")["lab"] is None


def test_strangers_get_nothing(olga: NotebookServer) -> None:
    with httpx.Client(base_url=olga.url, trust_env=False) as stranger:
        for path in ("about", "labs", "idle"):
            assert stranger.get(f"/machinelabs/api/{path}").status_code == 403
        answer = stranger.get("/machinelabs/open?lab=a/b", headers=NAVIGATION)
        assert answer.status_code == 302
        assert "/login" in answer.headers["Location"]


def test_a_notebook_published_alone_keeps_its_lab_when_it_is_renamed_and_moved(
    olga: NotebookServer,
) -> None:
    olga.write("first.ipynb", BOOK)
    publish(olga, "first.ipynb", "renamed")
    (olga.home / "later").mkdir()
    for old, new in (("first.ipynb", "second.ipynb"), ("second.ipynb", "later/third.ipynb")):
        answer = olga.http.patch(f"/api/contents/{old}", json={"path": new})
        answer.raise_for_status()
        assert olga.get("standing", path=new)["lab"]["lab"] == f"{OWNER}/renamed"
        assert olga.get("standing", path=old)["lab"] is None
    assert not (olga.home / ".machinelabs/files/first.ipynb.json").exists()
    # The next revision has the file under its new name alone.
    job = olga.finish(olga.post("revise", {"path": "later/third.ipynb", "message": "Renamed"}))
    assert (job["result"]["lab"], job["result"]["revision"]) == (f"{OWNER}/renamed", 2)
    assert olga.get("standing", path="later/third.ipynb")["lab"]["changed"] == []
    opened = olga.post("open", {"lab": f"{OWNER}/renamed"})
    assert opened["path"] == "labs/renamed/third.ipynb"


def test_a_fork_is_told_of_a_newer_original_and_catches_up(
    olga: NotebookServer, omar: NotebookServer
) -> None:
    olga.write("origin/main.ipynb", BOOK)
    olga.write("origin/table.csv", "1\n")
    publish(olga, "origin", "origin")
    omar.post("open", {"lab": f"{OWNER}/origin", "fork": True})
    olga.write("origin/table.csv", "1\n2\n")
    olga.finish(olga.post("revise", {"path": "origin", "message": "More"}))
    omar.write("labs/origin/mine.txt", "mine")

    asked = {"path": "labs/origin", "source": "original"}
    seen = omar.post("update/preview", asked)
    assert (seen["theirs"], seen["to"], seen["conflicts"]) == (f"{OWNER}/origin", 2, 0)
    original = omar.get("standing", path="labs/origin")["lab"]["original"]
    assert (original["lab"], original["revision"], original["newest"]) == (f"{OWNER}/origin", 1, 2)
    omar.post("update", asked)
    assert (omar.home / "labs/origin/table.csv").read_text() == "1\n2\n"
    assert (omar.home / "labs/origin/mine.txt").read_text() == "mine"
    assert omar.get("standing", path="labs/origin")["lab"]["original"]["revision"] == 2
    refused = omar.ask("POST", "update", {"path": "labs/origin", "source": "elsewhere"})
    assert (refused.status_code, "original, newest" in refused.text) == (422, True)
