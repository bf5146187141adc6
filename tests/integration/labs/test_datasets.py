"""Datasets over HTTP: uploaded in parts, versioned, shared as labs are, found, deleted."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.datasets import begin, make, push, sha256
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import ended_run

from machinelabs_hub.labs import guard
from machinelabs_hub.labs.api import dataset_uploads
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import run_upkeep, trash
from machinelabs_hub.labs.services.dataset_versions import TooManyVersions

ADA, EVE = {"X-As": "ada"}, {"X-As": "eve"}
FILES = {"README.md": b"# Digits\n", "train/a.csv": b"1,2\n3,4\n"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as running:
        running.seen_as(
            Person("ada", "Ada"),
            Person("bob", "Bob"),
            Person("eve", "Eve"),
            Person("vic", "Vic", groups=("vision",)),
            Person("root", "Root", admin=True),
            reader=Person("ada", "Ada", may_write=False),
        )
        running.publish("ada", {"main.ipynb": notebook([cell("code", "1", "a")])}, name="lab")
        yield running


@pytest.fixture
def api(server: LabsServer) -> Iterator[httpx.Client]:
    at = f"http://127.0.0.1:{server.settings.site.port}/services/labs/api/v1"
    with httpx.Client(base_url=at, timeout=30) as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def names(api: httpx.Client, who: str = "", **query: Any) -> list[str]:
    answer = api.get("/datasets", params=query, headers={"X-As": who} if who else {})
    return [f"{one['owner']}/{one['name']}" for one in answer.json()["items"]]


def test_a_dataset_is_made_uploaded_and_read_back(api: httpx.Client) -> None:
    made = make(api, "ada", "digits", visibility="public", tags=["Vision"], description="By hand")
    assert (made["version"], made["title"], made["licence"]) == (0, "digits", "CC-BY-4.0")
    assert code(api.get("/datasets/ada/digits/versions/latest")) == (404, "no_version")
    first = push(api, "ada", "ada/digits", FILES, "First")
    assert (first["number"], first["files_count"], first["size_bytes"]) == (1, 2, 17)
    second = push(api, "ada", "ada/digits", {**FILES, "train/b.csv": b"5,6\n"})
    assert second["number"] == 2
    at = "/datasets/ada/digits/versions"
    listed = api.get(f"{at}/latest/files", params={"limit": 2}).json()
    assert [one["path"] for one in listed["items"]] == ["README.md", "train/a.csv"]
    rest = api.get(f"{at}/latest/files", params={"cursor": listed["next"]}).json()
    assert ([one["path"] for one in rest["items"]], rest["next"]) == (["train/b.csv"], None)
    # What a version holds never changes.
    assert len(api.get(f"{at}/1/files").json()["items"]) == 2
    whole = api.get(f"{at}/1/files/train/a.csv")
    assert whole.content == FILES["train/a.csv"]
    assert sha256(whole.content) in whole.headers["etag"]
    part = api.get(f"{at}/1/files/train/a.csv", headers={"Range": "bytes=4-6"})
    assert (part.status_code, part.content) == (206, b"3,4")
    assert code(api.get(f"{at}/1/files/train/b.csv")) == (404, "no_dataset_file")
    numbers = [one["number"] for one in api.get(at).json()["items"]]
    assert numbers == [2, 1]


def test_an_upload_goes_on_where_it_was_cut_off(server: LabsServer, api: httpx.Client) -> None:
    make(api, "ada", "large")
    content = os.urandom(5_000_000)
    upload = begin(api, "ada", "ada/large", {"a.bin": content, "again.bin": content, "e": b""})
    at = f"/datasets/ada/large/uploads/{upload['id']}"
    name = sha256(content)
    assert sorted(upload["missing"]) == sorted([name, sha256(b"")])

    def half() -> Iterator[bytes]:
        yield content[:2_500_000]
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        api.put(f"{at}/contents/{name}", content=half(), headers=ADA)
    for _ in range(100):
        # The service may not have noticed yet that nothing more comes.
        here = api.get(f"{at}/contents/{name}", headers=ADA).json()
        more = api.put(
            f"{at}/contents/{name}",
            params={"at": here["received"]},
            content=content[here["received"] : here["received"] + 1_000_000],
            headers=ADA,
        )
        if more.status_code == 200:
            break
        assert more.json()["code"] in {"part_gap", "part_busy"}
    received = more.json()["received"]
    assert here["received"] >= 1_000_000
    assert received == here["received"] + 1_000_000
    gap = api.put(f"{at}/contents/{name}", params={"at": 7}, content=b"x", headers=ADA)
    assert (code(gap), gap.json()["received"]) == ((409, "part_gap"), received)
    unfinished = api.post(f"{at}/finish", headers=ADA)
    assert code(unfinished) == (409, "upload_unfinished")
    rest = api.put(
        f"{at}/contents/{name}", params={"at": received}, content=content[received:], headers=ADA
    )
    assert rest.json() == {"received": 5_000_000, "size": 5_000_000}
    api.put(f"{at}/contents/{sha256(b'')}", content=b"", headers=ADA)
    assert api.get(at, headers=ADA).json()["missing"] == []
    assert api.post(f"{at}/finish", headers=ADA).json()["files_count"] == 3
    assert code(api.post(f"{at}/finish", headers=ADA)) == (404, "no_upload")
    read = api.get("/datasets/ada/large/versions/1/files/again.bin", headers=ADA)
    assert read.content == content
    assert not list((server.settings.data / "blobs" / "uploads").rglob("*"))


@pytest.mark.parametrize("size", [5, 2_000_000])
def test_a_content_whose_end_did_not_come_is_ended_when_it_is_asked_for(
    server: LabsServer, api: httpx.Client, size: int
) -> None:
    api.post("/datasets", json={"name": "endless"}, headers=ADA)
    content = os.urandom(size)
    upload = begin(api, "ada", "ada/endless", {"a.bin": content})
    at = f"/datasets/ada/endless/uploads/{upload['id']}"
    where = f"{at}/contents/{sha256(content)}"
    with server.tools.partials.held(upload["id"], sha256(content)) as partial:
        partial.write(content)
    if size > 5:
        # A large one is asked for first, and then has no byte that could be sent.
        assert api.get(where, headers=ADA).json() == {"received": size, "size": size}
    else:
        gap = api.put(where, content=content, headers=ADA)
        assert (code(gap), gap.json()["received"]) == ((409, "part_gap"), size)
    assert api.post(f"{at}/finish", headers=ADA).status_code == 201


def test_a_line_that_is_silent_keeps_nobody_from_sending(
    server: LabsServer, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(api, "ada", "silent")
    upload = begin(api, "ada", "ada/silent", {"a.bin": b"whole"})
    at = f"/datasets/ada/silent/uploads/{upload['id']}/contents/{sha256(b'whole')}"
    port = server.settings.site.port
    monkeypatch.setattr(dataset_uploads, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(guard, "DRAIN_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        said = f"PUT /services/labs/api/v1{at} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-As: ada\r\n"
        line.sendall(f"{said}Content-Length: 5\r\n\r\nwh".encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 408")
    monkeypatch.undo()
    here = api.get(at, headers=ADA).json()["received"]
    rest = api.put(at, params={"at": here}, content=b"whole"[here:], headers=ADA)
    assert rest.json() == {"received": 5, "size": 5}


@pytest.mark.parametrize("asks", ["GET", "PUT"])
def test_what_came_whole_and_damaged_has_to_be_sent_anew(
    server: LabsServer, api: httpx.Client, asks: str
) -> None:
    api.post("/datasets", json={"name": "endless"}, headers=ADA)
    content = os.urandom(100)
    upload = begin(api, "ada", "ada/endless", {"a.bin": content})
    where = f"/datasets/ada/endless/uploads/{upload['id']}/contents/{sha256(content)}"
    with server.tools.partials.held(upload["id"], sha256(content)) as partial:
        partial.write(bytes(100))
    if asks == "PUT":
        assert code(api.put(where, content=content, headers=ADA)) == (422, "bad_digest")
    assert api.get(where, headers=ADA).json()["received"] == 0
    assert api.put(where, content=content, headers=ADA).json()["received"] == 100


def test_what_is_not_what_was_said_has_to_be_sent_anew(api: httpx.Client) -> None:
    make(api, "ada", "damaged")
    upload = begin(api, "ada", "ada/damaged", {"a.bin": b"good"})
    at = f"/datasets/ada/damaged/uploads/{upload['id']}/contents/{sha256(b'good')}"
    assert code(api.put(at, content=b"evil", headers=ADA)) == (422, "bad_digest")
    assert api.get(at, headers=ADA).json()["received"] == 0
    assert code(api.put(at, content=b"good and more", headers=ADA)) == (413, "dataset_too_large")
    assert api.put(at, content=b"good", headers=ADA).json()["received"] == 4


def test_a_digest_alone_opens_nothing(api: httpx.Client) -> None:
    secret = b"only ada knows this"
    make(api, "ada", "secret")
    push(api, "ada", "ada/secret", {"a.txt": secret})
    make(api, "eve", "mine")
    upload = begin(api, "eve", "eve/mine", {"a.txt": secret})
    assert upload["missing"] == [sha256(secret)]
    finish = api.post(f"/datasets/eve/mine/uploads/{upload['id']}/finish", headers=EVE)
    assert code(finish) == (409, "upload_unfinished")
    # Within the dataset it is known, and need not be sent again.
    assert begin(api, "ada", "ada/secret", {"b.txt": secret})["missing"] == []
    # Nobody goes on with another's upload.
    other = api.get(f"/datasets/eve/mine/uploads/{upload['id']}", headers={"X-As": "root"})
    assert code(other) == (404, "no_upload")


def test_datasets_are_shared_as_labs_are(api: httpx.Client) -> None:
    for visibility in Visibility:
        make(api, "vic", f"seen-{visibility.value}", owner="@vision", visibility=visibility.value)
    path = "/datasets/@vision/seen-{}"

    def reads(who: str) -> list[str]:
        headers = {"X-As": who} if who else {}
        return [
            one.value
            for one in Visibility
            if api.get(path.format(one.value), headers=headers).status_code == 200
        ]

    assert reads("") == ["public", "unlisted"]
    assert reads("eve") == ["public", "unlisted", "signed-in"]
    assert reads("vic") == ["public", "unlisted", "signed-in", "private"]
    assert names(api, owner="@vision") == ["@vision/seen-public"]
    assert len(names(api, "eve", owner="@vision")) == 2
    assert len(names(api, "vic", owner="@vision")) == 4
    private = path.format("private")
    shared = f"{private}/members/person/bob"
    assert code(api.put(shared, json={"role": "viewer"}, headers=EVE)) == (404, "no_dataset")
    api.get("/people/bob")
    make(api, "bob", "bobs")
    assert api.put(shared, json={"role": "viewer"}, headers={"X-As": "vic"}).status_code == 200
    assert "private" in reads("bob")
    assert len(names(api, "bob", owner="@vision")) == 3
    said = {"files": [{"path": "a", "size": 1, "sha256": "0" * 64}]}
    upload = api.post(f"{private}/uploads", json=said, headers={"X-As": "bob"})
    assert code(upload) == (403, "not_allowed")
    api.put(shared, json={"role": "editor"}, headers={"X-As": "vic"})
    upload = api.post(f"{private}/uploads", json=said, headers={"X-As": "bob"})
    assert upload.status_code == 201
    opened = api.patch(private, json={"visibility": "public"}, headers={"X-As": "bob"})
    assert code(opened) == (403, "not_allowed")
    assert code(api.delete(private, headers={"X-As": "bob"})) == (403, "not_allowed")
    assert api.delete(shared, headers={"X-As": "bob"}).status_code == 204
    assert "private" not in reads("bob")
    tokens = api.patch("/datasets/ada/secret", json={"title": "x"}, headers={"X-As": "reader"})
    assert code(tokens) == (403, "token_too_narrow")


def test_versions_from_before_it_was_opened_stay_with_its_members(api: httpx.Client) -> None:
    make(api, "ada", "opened")
    push(api, "ada", "ada/opened", {"a": b"first"})
    push(api, "ada", "ada/opened", {"a": b"second"})
    changed = api.patch("/datasets/ada/opened", json={"visibility": "public"}, headers=ADA)
    assert changed.json()["visibility"] == "public"
    at = "/datasets/ada/opened/versions"
    assert [one["number"] for one in api.get(at).json()["items"]] == [2]
    assert code(api.get(f"{at}/1/files/a")) == (404, "no_version")
    assert api.get(f"{at}/1/files/a", headers=ADA).content == b"first"
    api.patch("/datasets/ada/opened", json={"whole_history": True}, headers=ADA)
    assert api.get(f"{at}/1/files/a").content == b"first"


def test_datasets_are_found_by_words_tags_and_licence(api: httpx.Client) -> None:
    for name, tags in (("zebra-one", ["stripes"]), ("zebra-two", ["stripes-wide"])):
        make(api, "ada", name, visibility="public", tags=tags, description="Stripes of 100% zebra")
    assert names(api, q="ZEBRA 100%") == ["ada/zebra-two", "ada/zebra-one"]
    assert names(api, q="zebra_one") == []
    assert names(api, tag="stripes") == ["ada/zebra-one"]
    assert names(api, q="zebra", licence="MIT") == []
    first = api.get("/datasets", params={"q": "zebra", "limit": 1}).json()
    second = api.get("/datasets", params={"q": "zebra", "cursor": first["next"]}).json()
    assert ([one["name"] for one in second["items"]], second["next"]) == (["zebra-one"], None)


@pytest.mark.parametrize(
    ("files", "refusal"),
    [
        ([], (422, "empty_dataset")),
        ([("../a", 1)], (422, "bad_path")),
        ([("a", 1), ("A", 1)], (422, "clashing_paths")),
        ([("a", 200 << 30)], (413, "dataset_too_large")),
    ],
)
def test_what_no_version_may_hold_is_refused_before_it_is_sent(
    api: httpx.Client, files: list[tuple[str, int]], refusal: tuple[int, str]
) -> None:
    api.post("/datasets", json={"name": "refused"}, headers=ADA)
    said = [{"path": path, "size": size, "sha256": "0" * 64} for path, size in files]
    answer = api.post("/datasets/ada/refused/uploads", json={"files": said}, headers=ADA)
    assert code(answer) == refusal


def test_a_deleted_dataset_comes_back_and_is_purged_in_time(
    server: LabsServer, api: httpx.Client
) -> None:
    make(api, "eve", "gone", visibility="public")
    push(api, "eve", "eve/gone", {"a": b"of the gone"})
    kept = sha256(b"of the gone")
    assert api.delete("/datasets/eve/gone", headers=EVE).status_code == 204
    assert code(api.get("/datasets/eve/gone", headers=EVE)) == (404, "no_dataset")
    trashed = api.get("/trash/datasets", headers=EVE).json()["items"]
    assert [one["name"] for one in trashed] == ["gone"]
    back = "/trash/datasets/eve/gone/restore"
    assert code(api.post(back, headers=ADA)) == (404, "no_dataset")
    assert api.post(back, headers=EVE).json()["version"] == 1
    api.delete("/datasets/eve/gone", headers=EVE)
    tools = server.tools
    run_upkeep.tend(tools, unused=-10)
    assert tools.blobs.has(kept, 11)
    late = tools.clock() + timedelta(days=tools.settings.limits.trash_days, seconds=1)
    trash.empty(replace(tools, clock=lambda: late))
    assert code(api.post(back, headers=EVE)) == (404, "no_dataset")
    run_upkeep.tend(tools, unused=-10)
    assert not tools.blobs.has(kept, 11)
    assert run_upkeep.missing(tools)[1] == []


def test_an_upload_that_nobody_goes_on_with_is_dropped(
    server: LabsServer, api: httpx.Client
) -> None:
    make(api, "eve", "given-up")
    upload = begin(api, "eve", "eve/given-up", {"a": b"ab", "b": b"whole"})
    at = f"/datasets/eve/given-up/uploads/{upload['id']}"
    api.put(f"{at}/contents/{sha256(b'ab')}", content=b"a", headers=EVE)
    api.put(f"{at}/contents/{sha256(b'whole')}", content=b"whole", headers=EVE)
    tools = server.tools
    run_upkeep.tend(tools, unused=-10)
    assert api.get(at, headers=EVE).json()["missing"] == [sha256(b"ab")]
    late = tools.clock() + timedelta(days=tools.settings.datasets.upload_days, seconds=1)
    run_upkeep.tend(replace(tools, clock=lambda: late), unused=-10)
    assert code(api.get(at, headers=EVE)) == (404, "no_upload")
    assert not tools.blobs.has(sha256(b"whole"), 5)
    assert not (server.settings.data / "blobs" / "uploads" / upload["id"]).exists()


def test_open_uploads_are_listed_for_who_began_them(api: httpx.Client) -> None:
    make(api, "ada", "begun", visibility="public")
    upload = begin(api, "ada", "ada/begun", {"a": b"ab", "b": b"whole"}, "Half of it")
    at = "/datasets/ada/begun/uploads"
    api.put(f"{at}/{upload['id']}/contents/{sha256(b'ab')}", content=b"ab", headers=ADA)
    (listed,) = api.get(at, headers=ADA).json()["items"]
    assert listed == {
        "id": upload["id"], "message": "Half of it", "created_at": upload["created_at"],
        "files_count": 2, "lacking": 1,
    }  # fmt: skip
    assert code(api.get(at, headers=EVE)) == (403, "not_allowed")
    api.put("/datasets/ada/begun/members/person/eve", json={"role": "editor"}, headers=ADA)
    assert api.get(at, headers=EVE).json() == {"items": []}


def test_outputs_of_a_run_become_a_version_without_a_copy(
    server: LabsServer, api: httpx.Client
) -> None:
    number = ended_run(server, {"data/a.csv": b"made by a run", "model.pt": b"weights"})
    make(api, "ada", "made", visibility="public")
    at = "/datasets/ada/made/versions"
    before = sorted(server.tools.blobs.older_than(-10))
    body = {"lab": "ada/lab", "run": number, "folder": "data"}
    made = api.post(at, json=body, headers=ADA)
    assert (made.status_code, made.json()["source"]) == (201, f"ada/lab#{number}")
    assert sorted(server.tools.blobs.older_than(-10)) == before
    assert api.get(f"{at}/1/files/a.csv").content == b"made by a run"
    assert code(api.post(at, json=body | {"folder": "no"}, headers=ADA)) == (422, "empty_dataset")
    assert code(api.post(at, json=body, headers=EVE)) == (403, "not_allowed")
    # It outlives its run, and tells nobody of a lab that they may not see.
    api.patch("/labs/ada/lab", json={"visibility": "private"}, headers=ADA)
    assert api.get(f"{at}/1").json()["source"] == ""
    api.patch("/labs/ada/lab", json={"visibility": "public"}, headers=ADA)
    api.delete(f"/labs/ada/lab/runs/{number}", headers=ADA)
    late = server.tools.clock() + timedelta(days=31)
    run_upkeep.tend(replace(server.tools, clock=lambda: late), unused=-10)
    assert api.get(f"{at}/1/files/a.csv").content == b"made by a run"


def test_versions_of_runs_count_among_those_that_a_dataset_may_have(
    server: LabsServer, api: httpx.Client
) -> None:
    number = ended_run(server, {"a.csv": b"made by a run, again and again"})
    make(api, "ada", "nightly")
    datasets = server.settings.datasets.model_copy(update={"versions": 1})
    few = server.settings.model_copy(update={"datasets": datasets})
    ctx = Context(person=Person("ada", "Ada"), tools=replace(server.tools, settings=few), hub=None)  # type: ignore[arg-type]
    lab = server.tools.labs.find("ada", "lab")
    assert lab is not None
    run = ctx.runs.get(lab, number)
    ctx.run_datasets.make("ada", "nightly", run)
    with pytest.raises(TooManyVersions, match="ada/nightly has as many versions"):
        ctx.run_datasets.make("ada", "nightly", run)
