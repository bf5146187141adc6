"""Revisions, compare and proposals over HTTP, with a real Hub that knows whose tokens are good."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.integration.labs.test_api import api, parts
from tests.support.content import cell, notebook
from tests.support.site import Site

pytestmark = pytest.mark.engine

ADA, BEN, EVE = "work-ada", "work-ben", "work-eve"
LAB = f"/labs/{ADA}/digits"


def files(**texts: str) -> dict[str, bytes]:
    cells = [cell("code", texts.get(name, f"{name} = 1"), name) for name in ("a", "b", "c")]
    return {"main.ipynb": notebook(cells), "model.py": texts.get("model", "x = 1\n").encode()}


@pytest.fixture(scope="module")
def people(site: Site) -> Iterator[dict[str, httpx.Client]]:
    clients = {name: api(site, site.token(name)) for name in (ADA, BEN, EVE)} | {"": api(site)}
    yield clients
    for client in clients.values():
        client.close()


def revise(client: httpx.Client, lab: str, base: int | None, **texts: str) -> dict[str, Any]:
    body = {"base": base, "message": "Next"}
    answer = client.post(f"{lab}/revisions", files=parts("revision", body, files(**texts)))
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def fork(people: dict[str, httpx.Client]) -> str:
    """Ada's lab in three revisions, the third restoring the first; Ben's private fork of it."""
    body = {"title": "Digits", "name": "digits", "visibility": "public"}
    made = people[ADA].post("/labs", files=parts("lab", body, files()))
    assert made.status_code == 201, made.text
    revise(people[ADA], LAB, 1, b="b = 2", model="x = 2\n")
    return f"/labs/{BEN}/digits"


def test_the_history_is_paged_and_restored(people: dict[str, httpx.Client], fork: str) -> None:
    assert fork
    first = people[""].get(f"{LAB}/revisions", params={"limit": 1}).json()
    assert [one["number"] for one in first["items"]] == [2]
    rest = people[""].get(f"{LAB}/revisions", params={"cursor": first["next"]}).json()
    assert ([one["number"] for one in rest["items"]], rest["next"]) == ([1], None)
    wrong = people[""].get(f"{LAB}/revisions", params={"cursor": "zebra"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_cursor")

    restore = f"{LAB}/revisions/1/restore"
    assert people[""].post(restore).status_code == 401
    assert people[EVE].post(restore).status_code == 403
    stale = people[ADA].post(restore, json={"base": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_revision")
    made = people[ADA].post(restore, json={"base": 2, "message": "Back"})
    assert (made.status_code, made.json()["number"], made.json()["message"]) == (201, 3, "Back")
    again = people[ADA].post(restore)
    assert (again.status_code, again.json()["number"]) == (200, 3)
    assert people[ADA].post(f"{LAB}/revisions/9/restore").status_code == 404
    files_at = [people[""].get(f"{LAB}/revisions/{n}/files").json()["files"] for n in (1, 3)]
    assert files_at[0] == files_at[1]


def test_two_revisions_are_compared(people: dict[str, httpx.Client], fork: str) -> None:
    assert fork
    found = people[""].get(f"{LAB}/compare", params={"from": "r1", "to": "r2"}).json()
    assert (found["before"], found["after"]) == (
        {"lab": f"{ADA}/digits", "revision": 1}, {"lab": f"{ADA}/digits", "revision": 2},
    )  # fmt: skip
    book, text = found["items"]
    (one,) = book["notebook"]["cells"]
    assert (one["key"], one["change"], [line["sign"] for line in one["lines"]]) == (
        "b", "changed", ["-", "+"],
    )  # fmt: skip
    assert [line["text"] for line in text["lines"]] == ["x = 1", "x = 2"]
    for query, status, code in (
        ({"from": "main"}, 422, "bad_revision_name"),
        ({"to": "r99"}, 404, "no_revision"),
        ({"with": "nobody/x"}, 404, "no_lab"),
    ):
        answer = people[""].get(f"{LAB}/compare", params=query)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_private_fork_proposes_and_is_merged(people: dict[str, httpx.Client], fork: str) -> None:
    ada, ben, eve = people[ADA], people[BEN], people[EVE]
    assert ben.post(f"{LAB}/forks").status_code == 201
    assert ben.patch(fork, json={"visibility": "private"}).status_code == 200
    revise(ben, fork, 1, c="c = 3")
    offer = {"fork": f"{BEN}/digits", "title": "A larger c", "text": "It *helps*."}
    key = {"Idempotency-Key": "one-offer"}
    made = ben.post(f"{LAB}/proposals", json=offer, headers=key)
    assert (made.status_code, made.json()["number"]) == (201, 1)
    same = ben.post(f"{LAB}/proposals", json=offer, headers=key)
    assert (same.status_code, same.json()) == (201, made.json())
    twice = ben.post(f"{LAB}/proposals", json=offer)
    assert (twice.status_code, twice.json()["code"]) == (409, "already_proposed")

    url = f"{LAB}/proposals/1"
    for stranger in (eve, people[""]):
        for address in (url, f"{url}/compare", f"{url}/merge", f"{url}/comments"):
            answer = stranger.get(address)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_proposal")
        assert stranger.get(f"{LAB}/proposals").json() == {"items": [], "next": None}
    assert ada.get(f"{LAB}/proposals").json()["items"][0]["may"]["decide"]
    assert not ben.get(url).json()["may"]["decide"]
    shown = ada.get(f"{url}/compare").json()
    assert [one["path"] for one in shown["items"]] == ["main.ipynb"]
    assert ada.get(fork).status_code == 404
    assert ada.get(f"{fork}/revisions/2/files/main.ipynb").status_code == 404

    said = {"text": "Why 3?", "path": "main.ipynb", "cell": "c"}
    assert ada.post(f"{url}/comments", json=said).status_code == 201
    assert ben.get(f"{url}/comments").json()["items"][0]["cell"] == "c"
    assert eve.post(f"{url}/comments", json=said).status_code == 404

    preview = ada.get(f"{url}/merge").json()
    assert (preview["conflicts"], preview["base"], preview["revision"]) == (0, 3, 2)
    assert ben.post(f"{url}/merge", json={"revision": 2}).status_code == 403
    wrong = ada.post(f"{url}/merge", json={"revision": 1})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "offer_changed")
    merged = ada.post(f"{url}/merge", json={"revision": 2, "base": 3})
    assert merged.status_code == 200, merged.text
    assert (merged.json()["state"], merged.json()["merged_revision"]) == ("merged", 4)
    newest = people[""].get(f"{LAB}/revisions").json()["items"][0]
    assert (newest["number"], newest["author"]) == (4, BEN)
    closed = ada.post(f"{url}/decline")
    assert (closed.status_code, closed.json()["code"]) == (409, "proposal_closed")
    assert [one["number"] for one in ada.get(f"{LAB}/proposals?state=merged").json()["items"]] == [
        1
    ]


def test_a_conflict_is_said_before_and_refused(people: dict[str, httpx.Client], fork: str) -> None:
    ada, ben = people[ADA], people[BEN]
    revise(ben, fork, 2, c="c = 33")
    made = ben.post(f"{LAB}/proposals", json={"fork": f"{BEN}/digits", "title": "More"})
    assert made.status_code == 201, made.text
    url = f"{LAB}/proposals/{made.json()['number']}"
    revise(ada, LAB, None, c="c = 5")
    preview = ada.get(f"{url}/merge").json()
    assert preview["conflicts"] == 1
    assert preview["files"][0]["path"] == "main.ipynb"
    refused = ada.post(f"{url}/merge", json={"revision": 3})
    assert (refused.status_code, refused.json()["code"]) == (409, "proposal_conflicts")
    assert f"until {BEN} updates" in refused.json()["message"]
    assert ben.post(f"{url}/withdraw").json()["state"] == "withdrawn"
