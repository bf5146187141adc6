"""Runs over HTTP: a person's program, and the container of a run, against a labs service."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import TOKEN

from machinelabs_hub.labs.guard import MOST_EVENTS_BYTES
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import RunState
from machinelabs_hub.labs.services.runner import digest

AT = "2026-11-21T12:00:00.000Z"
RUNS = "/labs/ada/digits/runs"
TAGGED = {**cell("code", "epochs = 2", "p"), "metadata": {"tags": ["parameters"]}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as running:
        running.seen_as(Person("ada", "Ada"), Person("bob", "Bob"), Person("eve", "Eve"))
        running.publish("ada", {"main.ipynb": notebook([TAGGED]), "big.bin": b"x" * 3_000_000},
                        name="digits")  # fmt: skip
        yield running


@pytest.fixture
def api(server: LabsServer) -> Iterator[httpx.Client]:
    at = f"http://127.0.0.1:{server.settings.site.port}/services/labs/api/v1"
    with httpx.Client(base_url=at, timeout=30) as client:
        yield client


def order(api: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = api.post(RUNS, json=body, headers={"X-As": "bob"})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def begin(server: LabsServer, api: httpx.Client, run: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Take a run as far as a container that has its token."""
    row = server.tools.runs.get(run["id"])
    assert row is not None
    code = f"code of {run['id']}"
    assert server.tools.runs.set_code(row, digest(code))
    assert server.tools.runs.start(row, server.tools.clock())
    token = f"{TOKEN}-{run['id']}"
    answer = api.post(f"/runner/{run['id']}/exchange", json={"code": code, "token": token})
    assert answer.status_code == 200, answer.text
    return f"/runner/{run['id']}", {"Authorization": f"Bearer {token}"}


def prints(first: int, *texts: str) -> dict[str, Any]:
    events = [
        {"n": number, "at": AT, "kind": "stdout", "text": text}
        for number, text in enumerate(texts, start=first)
    ]
    return {"first": first, "events": events}


def frames(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    frame: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if not line and frame:
            yield frame
            frame = {}
        elif name:
            frame[name] = value


def test_refusals_have_codes_and_sentences(api: httpx.Client) -> None:
    def refused(body: dict[str, Any], who: str = "bob") -> tuple[int, str]:
        answer = api.post(RUNS, json=body, headers={"X-As": who} if who else {})
        assert answer.json()["message"]
        return answer.status_code, answer.json()["code"]

    assert refused({}, "") == (401, "sign_in_needed")
    assert refused({"image": "vista"}) == (422, "unknown_image")
    assert refused({"flavour": "huge"}) == (422, "unknown_flavour")
    assert refused({"path": "no.ipynb"}) == (404, "no_entrypoint")
    assert refused({"path": "big.bin"}) == (422, "not_runnable")
    assert refused({"revision": 5}) == (404, "no_revision")
    assert refused({"parameters": {"epochs": []}}) == (422, "bad_parameter")
    assert refused({"colour": 1}) == (422, "bad_request")
    assert api.get(f"{RUNS}/999999").json()["code"] == "no_run"
    assert api.get("/labs/ada/nothing/runs").json()["code"] == "no_lab"
    shown = {"code": "x", "token": TOKEN}
    assert api.post("/runner/1/exchange", json=shown).json()["code"] == "bad_code"
    assert api.post("/runner/1/exchange", json={"code": "x"}).status_code == 422
    short = shown | {"token": "easily-guessed"}
    assert api.post("/runner/1/exchange", json=short).status_code == 422


def test_a_run_is_changed_only_as_it_was_read(api: httpx.Client) -> None:
    address = f"{RUNS}/{order(api)['number']}"
    read = api.get(address).headers["ETag"]
    assert api.get(address).headers["ETag"] == read

    def change(name: str, tag: str) -> httpx.Response:
        headers = {"X-As": "bob", "If-Match": tag} if tag else {"X-As": "bob"}
        return api.patch(address, json={"name": name}, headers=headers)

    first = change("first", read)
    assert (first.status_code, first.json()["name"]) == (200, "first")
    late = change("late", read)
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    assert api.get(address).json()["name"] == "first"
    assert change("second", first.headers["ETag"]).status_code == 200
    assert change("third", "*").status_code == 200
    assert change("fourth", "").json()["name"] == "fourth"
    assert api.post(f"{address}/stop", headers={"X-As": "bob"}).json()["is_final"]
    assert api.get(address).headers["ETag"] == change("fourth", "").headers["ETag"]


def test_a_container_is_told_what_to_do_and_gets_its_files(
    server: LabsServer, api: httpx.Client
) -> None:
    run = order(api, parameters={"epochs": "5"})
    row = server.tools.runs.get(run["id"])
    assert row is not None
    server.tools.runs.set_code(row, digest("c"))
    server.tools.runs.start(row, server.tools.clock())
    said = api.post(f"/runner/{run['id']}/exchange", json={"code": "c", "token": TOKEN}).json()
    assert (said["entrypoint"], said["kind"], said["parameters"]) == (
        "main.ipynb", "notebook", {"epochs": 5},
    )  # fmt: skip
    assert (said["revision"], said["lab"], said["number"]) == (1, "ada/digits", run["number"])
    assert said["output_limits"] == {"bytes": 5120 << 20, "files": 10_000}
    again = api.post(f"/runner/{run['id']}/exchange", json={"code": "c", "token": TOKEN})
    assert again.json() == said, "the answer was lost, so it is asked for again"
    other = {"code": "c", "token": TOKEN[::-1]}
    again = api.post(f"/runner/{run['id']}/exchange", json=other)
    assert (again.status_code, again.json()["code"]) == (403, "bad_code")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    tar = api.get(f"/runner/{run['id']}/{said['files']}", headers=headers)
    assert tar.headers["content-type"] == "application/x-tar"
    assert len(tar.content) > 3_000_000
    for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}):
        answer = api.get(f"/runner/{run['id']}/files", headers=wrong)
        assert (answer.status_code, answer.json()["code"]) == (403, "bad_run_token")


def test_a_runs_token_opens_nothing_else(server: LabsServer, api: httpx.Client) -> None:
    at, token = begin(server, api, order(api))
    other, _ = begin(server, api, order(api))
    for method, path in (
        ("GET", f"{other}/files"),
        ("POST", f"{other}/events"),
        ("PUT", f"{other}/outputs/a"),
        ("PUT", f"{other}/notebook"),
        ("POST", f"{other}/end"),
    ):
        body = {"state": "failed"} if path.endswith("end") else prints(1, "x")
        assert api.request(method, path, headers=token, json=body).status_code == 403
    assert api.post(f"{at}/events", headers=token, json=prints(1)).status_code == 200
    server.app.dependency_overrides, kept = {}, server.app.dependency_overrides
    try:
        # With the real sign-in: the Hub knows no such token (here: there is none to ask).
        assert api.post(RUNS, headers=token, json={}).status_code in {401, 503}
    finally:
        server.app.dependency_overrides = kept


def test_events_are_taken_once_in_order_and_with_a_word_on_gaps(
    server: LabsServer, api: httpx.Client
) -> None:
    run = order(api)
    at, token = begin(server, api, run)

    def send(body: object) -> httpx.Response:
        return api.post(f"{at}/events", headers=token, json=body)

    assert send(prints(1, "a", "b")).json() == {"next": 3, "stop": False}
    assert send(prints(2, "b", "c")).json() == {"next": 4, "stop": False}
    gap = send(prints(9, "z"))
    assert (gap.status_code, gap.json()["code"], gap.json()["next"]) == (409, "event_gap", 4)
    wrong: tuple[object, ...] = (
        {"first": 4, "events": [{"n": 5, "at": AT, "kind": "stdout", "text": "x"}]},
        {"first": 4, "events": [{"n": 4, "at": AT, "kind": "song", "text": "x"}]},
        {"first": 4, "events": [{"n": 4, "kind": "stdout"}]},
        {"first": 0},
        {"first": 4, "more": 1},
        [],
        "x",
    )
    for bad in wrong:
        answer = send(bad)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_request"), bad
    api.post(f"{RUNS}/{run['number']}/stop", headers={"X-As": "bob"})
    assert send({"first": 4}).json() == {"next": 4, "stop": True}
    page = api.get(f"{RUNS}/{run['number']}/events").json()
    assert [event["text"] for event in page["items"]] == ["a", "b", "c"]
    assert (page["next"], page["is_final"]) == (None, False)
    first = api.get(f"{RUNS}/{run['number']}/events", params={"limit": 2}).json()
    assert ([event["n"] for event in first["items"]], first["next"]) == ([1, 2], 2)
    rest = api.get(f"{RUNS}/{run['number']}/events", params={"after": 2}).json()
    assert [event["n"] for event in rest["items"]] == [3]
    assert api.get(f"{RUNS}/{run['number']}/log").text == "abc"


def test_a_large_output_of_a_cell_is_taken_and_a_far_too_large_one_refused(
    server: LabsServer, api: httpx.Client
) -> None:
    run = order(api)
    at, token = begin(server, api, run)
    large = api.post(f"{at}/events", headers=token, json=prints(1, "x" * 10_000_000))
    assert large.json() == {"next": 2, "stop": False}
    headers = token | {"Content-Type": "application/json"}
    body = b" " * (MOST_EVENTS_BYTES + 1)
    assert api.post(f"{at}/events", headers=headers, content=body).status_code == 413
    # Nobody without a token has so much read.
    assert api.post(f"{at}/end", headers=headers, content=b" " * 2_000_000).status_code == 413
    assert len(api.get(f"{RUNS}/{run['number']}/log").content) == 10_000_000


def test_outputs_are_kept_whole_and_read_in_parts(server: LabsServer, api: httpx.Client) -> None:
    run = order(api)
    at, token = begin(server, api, run)
    content = bytes(range(256)) * 10_000
    sha256 = hashlib.sha256(content).hexdigest()
    headers = token | {"X-Sha256": sha256}
    made = api.put(f"{at}/outputs/models/ä b.bin", headers=headers, content=content)
    assert made.status_code == 201, made.text
    cut = api.put(f"{at}/outputs/cut.bin", headers=headers, content=content[:-1])
    assert (cut.status_code, cut.json()["code"]) == (422, "bad_digest")
    assert api.put(f"{at}/outputs/a.html", headers=token, content=b"<b>").status_code == 201
    out = api.put(f"{at}/outputs/%2e%2e/x", headers=token, content=b"x")
    assert (out.status_code, out.json()["code"]) in {(422, "bad_path"), (404, "not_found")}
    assert api.put(f"{at}/notebook", headers=token, content=b"{}").status_code == 201
    place = f"{RUNS}/{run['number']}"
    listed = api.get(f"{place}/outputs").json()
    assert [(one["path"], one["size_bytes"]) for one in listed["items"]] == [
        ("a.html", 3), ("models/ä b.bin", len(content)),
    ]  # fmt: skip
    whole = api.get(f"{place}/outputs/models/ä b.bin")
    assert whole.content == content
    assert whole.headers["etag"] == f'"{sha256}"'
    assert whole.headers["accept-ranges"] == "bytes"
    part = api.get(f"{place}/outputs/models/ä b.bin", headers={"Range": "bytes=1000-1003"})
    assert (part.status_code, part.content) == (206, content[1000:1004])
    assert part.headers["content-range"] == f"bytes 1000-1003/{len(content)}"
    beyond = api.get(f"{place}/outputs/models/ä b.bin", headers={"Range": f"bytes={len(content)}-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "bad_range")
    same = {"If-None-Match": whole.headers["etag"]}
    assert api.get(f"{place}/outputs/models/ä b.bin", headers=same).status_code == 304
    page = api.get(f"{place}/outputs/a.html")
    assert page.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in page.headers["content-security-policy"]
    assert api.get(f"{place}/notebook").json() == {}
    assert api.get(f"{place}/outputs/no").json()["code"] == "no_output"
    told = api.get(place).json()
    assert (told["outputs"]["files"], told["has_notebook"]) == (2, True)


def test_an_output_that_breaks_off_leaves_nothing(server: LabsServer, api: httpx.Client) -> None:
    run = order(api)
    at, token = begin(server, api, run)

    def half() -> Iterator[bytes]:
        yield b"x" * 2_000_000
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        api.put(f"{at}/outputs/a.bin", headers=token, content=half())
    assert api.get(f"{RUNS}/{run['number']}/outputs").json()["items"] == []
    content = b"y" * 2_000_000
    assert api.put(f"{at}/outputs/a.bin", headers=token, content=content).status_code == 201
    assert list((server.settings.data / "blobs" / "new").iterdir()) == []


def test_a_watcher_sees_what_is_printed_and_how_it_ends(
    server: LabsServer, api: httpx.Client
) -> None:
    run = order(api)
    seen: list[dict[str, str]] = []
    begun = threading.Event()

    def watch() -> None:
        with (
            httpx.Client(base_url=api.base_url, timeout=30) as own,
            own.stream(
                "GET", f"{RUNS}/{run['number']}/events", headers={"Accept": "text/event-stream"}
            ) as stream,
        ):
            assert stream.headers["content-type"].startswith("text/event-stream")
            for frame in frames(stream.iter_lines()):
                seen.append(frame)
                begun.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert begun.wait(10)
    at, token = begin(server, api, run)
    api.post(f"{at}/events", headers=token, json=prints(1, *[f"{n}\n" for n in range(1, 1501)]))
    api.post(f"{at}/events", headers=token, json=prints(1501, "last\n"))
    why = {"sentence": "ValueError in cell 1", "cell": 0, "ename": "ValueError", "traceback": ["a"]}
    ended = api.post(f"{at}/end", headers=token, json={"state": "failed", "reason": why})
    assert ended.json() == {"state": "failed", "held_seconds": 0}
    watcher.join(10)
    assert not watcher.is_alive()
    events = [json.loads(frame["data"]) for frame in seen if "id" in frame]
    assert [event["n"] for event in events] == list(range(1, 1502))
    assert [frame["id"] for frame in seen if "id" in frame] == [str(n) for n in range(1, 1502)]
    states = [json.loads(frame["data"]) for frame in seen if frame.get("event") == "run"]
    assert states[0]["state"] in {"queued", "starting"}
    assert states[-1]["state"] == "failed"
    assert states[-1]["reason"]["ename"] == "ValueError"
    assert seen[-1]["event"] == "end"


def test_a_watcher_who_comes_back_goes_on_where_it_was(
    server: LabsServer, api: httpx.Client
) -> None:
    run = order(api)
    at, token = begin(server, api, run)
    api.post(f"{at}/events", headers=token, json=prints(1, "a", "b", "c"))
    api.post(f"{at}/end", headers=token, json={"state": "finished"})
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "2"}
    told = api.get(f"{RUNS}/{run['number']}/events", headers=headers).text
    assert re.findall(r"^id: (\d+)$", told, re.MULTILINE) == ["3"]
    assert told.endswith("event: end\ndata: {}\n\n")
    body = api.get(f"{RUNS}/{run['number']}").json()
    assert (body["state"], body["is_final"], body["reason"]) == ("finished", True, None)
    row = server.tools.runs.get(run["id"])
    assert row is not None
    assert row.state is RunState.FINISHED
