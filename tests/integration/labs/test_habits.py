"""What a program can rely on: a create is done once, nothing is changed unseen, bodies have an end."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.many_labs import notebook, tar_of
from tests.support.site import Site, running

pytestmark = pytest.mark.engine

OWNER, OTHER = "habit-ada", "habit-ben"
FILES = {"main.ipynb": notebook("1 + 1"), "README.md": b"# Habits\n"}


def api(site: Site, name: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {site.token(name)}"}
    url = f"{site.addresses.labs_local}/services/labs/api/v1"
    return httpx.Client(base_url=url, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def ada(site: Site) -> Iterator[httpx.Client]:
    with api(site, OWNER) as client:
        yield client


@pytest.fixture(scope="module")
def ben(site: Site) -> Iterator[httpx.Client]:
    with api(site, OTHER) as client:
        yield client


def publish(
    client: httpx.Client, title: str, key: str = "", files: dict[str, bytes] = FILES
) -> httpx.Response:
    body = {"title": title, "visibility": "public"}
    parts: dict[str, Any] = {
        "lab": (None, json.dumps(body), "application/json"),
        "files": ("files.tar", tar_of(files), "application/x-tar"),
    }
    return client.post("/labs", files=parts, headers={"Idempotency-Key": key} if key else {})


def names(client: httpx.Client, owner: str) -> list[str]:
    return sorted(
        lab["name"] for lab in client.get("/labs", params={"owner": owner}).json()["items"]
    )


def test_a_create_with_a_key_is_done_once(ada: httpx.Client, ben: httpx.Client) -> None:
    first = publish(ada, "Once", "key-1")
    again = publish(ada, "Once", "key-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert names(ada, OWNER) == ["once"]
    # Without a key it is done twice; another person's key of the same name is another key.
    assert publish(ada, "Once").json()["name"] == "once-2"
    assert publish(ben, "Once", "key-1").json()["owner"] == OTHER


def test_a_key_that_came_with_another_request_is_refused(ada: httpx.Client) -> None:
    publish(ada, "Reused", "key-2")
    for other in (
        publish(ada, "Other", "key-2"),
        publish(ada, "Reused", "key-2", FILES | {"b.txt": b"1"}),
        ada.post(f"/labs/{OTHER}/once/forks", json={}, headers={"Idempotency-Key": "key-2"}),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert "other" not in names(ada, OWNER)
    bad = publish(ada, "Bad", "k" * 256)
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_idempotency_key")


def test_what_made_nothing_can_be_asked_again_with_its_key(ada: httpx.Client) -> None:
    refused = publish(ada, "Again", "key-3", {"../out": b""})
    assert refused.status_code == 422
    assert publish(ada, "Again", "key-3").status_code == 201


def test_many_at_once_with_one_key_make_one(ada: httpx.Client) -> None:
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(publish(ada, "Race", "key-4")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {(answer.status_code, answer.json().get("code")) for answer in answers}
    assert (201, None) in found
    assert found <= {(201, None), (409, "idempotency_key_in_use")}
    assert [name for name in names(ada, OWNER) if name.startswith("race")] == ["race"]


def test_an_answer_outlives_the_service(ada: httpx.Client, site: Site) -> None:
    first = publish(ada, "Durable", "key-5")
    site.kill("labs")
    until = time.monotonic() + 60
    again: httpx.Response | None = None
    while time.monotonic() < until:
        try:
            again = publish(ada, "Durable", "key-5")
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            break
    assert again is not None
    assert (again.status_code, again.json()) == (201, first.json())


def test_a_change_is_refused_if_the_lab_changed_since_it_was_read(ada: httpx.Client) -> None:
    lab = f"/labs/{OWNER}/{publish(ada, 'Matched').json()['name']}"
    read = ada.get(lab).headers["etag"]
    changed = ada.patch(lab, json={"title": "New"}, headers={"If-Match": read})
    assert changed.status_code == 200
    assert changed.headers["etag"] not in {"", read}
    for stale in (
        ada.patch(lab, json={"title": "Newer"}, headers={"If-Match": read}),
        ada.delete(lab, headers={"If-Match": read}),
        revise(ada, lab, {"If-Match": read}),
    ):
        assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert ada.get(lab).json()["title"] == "New"
    either = f'"other", {changed.headers["etag"]}'
    assert revise(ada, lab, {"If-Match": either}).status_code == 201
    assert ada.get(lab).headers["etag"] != changed.headers["etag"]
    assert ada.delete(lab, headers={"If-Match": "*"}).status_code == 204


def revise(client: httpx.Client, lab: str, headers: dict[str, str]) -> httpx.Response:
    parts: dict[str, Any] = {
        "revision": (None, "{}", "application/json"),
        "files": ("files.tar", tar_of(FILES | {"new.txt": b"1"}), "application/x-tar"),
    }
    return client.post(f"{lab}/revisions", files=parts, headers=headers)


def test_of_many_changes_of_what_was_read_one_is_done(ada: httpx.Client) -> None:
    lab = f"/labs/{OWNER}/{publish(ada, 'Contested').json()['name']}"
    read = ada.get(lab).headers["etag"]
    statuses: list[int] = []

    def change(number: int) -> None:
        body = {"title": f"By {number}"}
        statuses.append(ada.patch(lab, json=body, headers={"If-Match": read}).status_code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 7


def test_whoever_searches_or_publishes_very_often_is_told_when_to_go_on(tmp_path: Path) -> None:
    limits = {"searches_per_minute": 3, "publishes_per_hour": 2}
    with running(tmp_path, limits=limits) as site, api(site, OWNER) as client:
        with api(site, OTHER) as other:
            lab = publish(other, "Original").json()
        forks = f"/labs/{lab['owner']}/{lab['name']}/forks"
        answers = [
            publish(client, "One"),
            client.post(forks),
            client.post(forks, json={"name": "x"}),
        ]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert 0 < int(answers[2].headers["retry-after"]) <= 3600
        words = {"q": "original"}
        found = [client.get("/labs", params=words).status_code for _ in range(4)]
        assert found == [200, 200, 200, 429]
        again = client.get("/labs", params=words)
        assert set(again.json()) == {"code", "message", "field"}
        assert 0 < int(again.headers["retry-after"]) <= 60
        # Reading goes on; another person searches on.
        assert client.get("/labs").status_code == 200
        with api(site, OTHER) as other:
            assert other.get("/labs", params=words).status_code == 200


def test_a_body_without_end_is_cut_off(ada: httpx.Client) -> None:
    lab = f"/labs/{OWNER}/{publish(ada, 'Large').json()['name']}"
    large = ada.patch(lab, json={"description": "x" * (2 << 20)})
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")

    def endless() -> Iterator[bytes]:
        yield b'{"description": "'
        for _ in range(64):
            yield b"x" * (64 << 10)
        yield b'"}'

    streamed = ada.patch(lab, content=endless(), headers={"Content-Type": "application/json"})
    assert (streamed.status_code, streamed.json()["code"]) == (413, "body_too_large")
