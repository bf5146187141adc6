"""The site's cards over HTTP: what admins see of them, and the orders that the Hub obeys."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.support.card_rows import BROKEN, CARD, FAULT, SLICE, SPLIT, WAITS_FOR, put_cards
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.db.tables.orders import DrainRow, ReturnRow
from machinelabs_hub.labs.models.person import Person

ADA = Person("gpus-ada", "Ada")
ROOT = Person("gpus-root", "Root", admin=True)
READER = Person("gpus-root", "Root", admin=True, may_write=False)
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def labs(started: LabsServer) -> LabsServer:
    put_cards(started.tools.sessions, NOW)
    return started


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("gpus") / "data") as labs:
        labs.seen_as(ADA, ROOT, reader=READER)
        yield labs


def ask(labs: LabsServer, who: str, method: str, path: str = "", **more: object) -> httpx.Response:
    address = f"{labs.url}/api/v1/gpus{path}"
    return httpx.request(method, address, headers={"X-As": who}, **more)  # type: ignore[arg-type]


def test_an_admin_sees_each_card_and_who_holds_it_also_without_the_sampler(
    labs: LabsServer,
) -> None:
    body = ask(labs, ROOT.name, "GET").json()
    found = {row["uuid"]: row for row in body["items"]}
    assert set(found) == {CARD, BROKEN, SLICE}
    (holder,) = found[CARD]["holders"]
    assert (holder["user"], holder["share"]) == ("holder-1", 4)
    assert datetime.fromisoformat(holder["since"]) == NOW - timedelta(minutes=9)
    assert datetime.fromisoformat(holder["opened_at"]) == NOW - timedelta(minutes=8)
    assert (found[BROKEN]["health"], found[BROKEN]["holders"]) == ("failed", [])
    assert found[BROKEN]["why"] == FAULT
    assert found[CARD]["use"] is None
    assert "cannot be seen now" in body["trouble"]


def test_the_line_is_in_its_order_and_whoever_has_no_place_yet_is_last(labs: LabsServer) -> None:
    rows = ask(labs, ROOT.name, "GET", "/line").json()["items"]
    assert [row["user"] for row in rows] == ["first", "second", "late"]
    assert rows[0]["why"] == WAITS_FOR


def test_a_drain_is_ordered_with_a_reason_and_ended(labs: LabsServer) -> None:
    sent = {"why": " A new \n fan "}
    assert ask(labs, ROOT.name, "PUT", f"/{CARD}/drain", json=sent).status_code == 204
    with labs.tools.sessions() as db:
        row = db.get(DrainRow, CARD)
        assert row is not None
        assert (row.why, row.by) == ("A new fan", ROOT.name)
    found = {row["uuid"]: row["drain"] for row in ask(labs, ROOT.name, "GET").json()["items"]}
    assert found[CARD]["why"] == "A new fan"
    assert found[BROKEN] is None
    for _ in range(2):
        assert ask(labs, ROOT.name, "DELETE", f"/{CARD}/drain").status_code == 204
    with labs.tools.sessions() as db:
        assert db.get(DrainRow, CARD) is None


def test_a_card_that_is_split_is_kept_back_with_its_instances(labs: LabsServer) -> None:
    sent = {"why": "It is split anew"}
    assert ask(labs, ROOT.name, "PUT", f"/{SPLIT}/drain", json=sent).status_code == 204
    found = {row["uuid"]: row["drain"] for row in ask(labs, ROOT.name, "GET").json()["items"]}
    assert found[SLICE]["uuid"] == SPLIT


def test_a_failed_card_is_returned_and_a_well_one_is_not(labs: LabsServer) -> None:
    assert ask(labs, ROOT.name, "POST", f"/{BROKEN}/return").status_code == 204
    with labs.tools.sessions() as db:
        row = db.get(ReturnRow, BROKEN)
        assert row is not None
        assert row.by == ROOT.name
        assert row.at >= NOW
    refused = ask(labs, ROOT.name, "POST", f"/{CARD}/return")
    assert (refused.status_code, refused.json()["code"]) == (409, "card_is_well")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/GPU-none/drain"),
        ("DELETE", "/GPU-none/drain"),
        ("POST", "/GPU-none/return"),
    ],
)
def test_an_order_for_a_card_that_is_not_there_is_refused(
    labs: LabsServer, method: str, path: str
) -> None:
    sent = {"json": {"why": "Because"}} if method == "PUT" else {}
    answer = ask(labs, ROOT.name, method, path, **sent)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_card")
    with labs.tools.sessions() as db:
        assert db.get(DrainRow, "GPU-none") is None


@pytest.mark.parametrize("why", ["", "   ", "x" * 501, "a\u0007b"])
def test_a_drain_without_a_reason_that_people_can_read_is_refused(
    labs: LabsServer, why: str
) -> None:
    answer = ask(labs, ROOT.name, "PUT", f"/{CARD}/drain", json={"why": why})
    assert answer.status_code == 422
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/line"),
        ("PUT", f"/{CARD}/drain"),
        ("DELETE", f"/{CARD}/drain"),
        ("POST", f"/{BROKEN}/return"),
    ],
)
def test_cards_are_for_admins_and_orders_not_for_a_reading_token(
    labs: LabsServer, method: str, path: str
) -> None:
    sent = {"json": {"why": "Because"}} if method == "PUT" else {}
    assert ask(labs, ADA.name, method, path, **sent).status_code == 403
    assert ask(labs, "", method, path, **sent).status_code == 401
    assert ask(labs, "reader", method, path, **sent).status_code == (
        200 if method == "GET" else 403
    )
    with labs.tools.sessions() as db:
        assert db.get(DrainRow, CARD) is None
        assert db.get(ReturnRow, BROKEN) is None


def test_the_page_and_its_orders_are_for_admins(labs: LabsServer) -> None:
    def say(who: str, method: str, path: str = "", **form: str) -> int:
        address = f"{labs.url}/-/gpus{path}"
        sent = {"data": {"_csrf": "-", **form}} if method == "POST" else {}
        return httpx.request(method, address, headers={"X-As": who}, **sent).status_code  # type: ignore[arg-type]

    assert (say(ROOT.name, "GET"), say(ADA.name, "GET")) == (200, 403)
    for order in ("drain", "end-drain", "return", "reserve", "cancel"):
        assert say(ADA.name, "POST", f"/{order}", uuid=CARD, why="Because", number="1") == 403
    with labs.tools.sessions() as db:
        assert db.get(DrainRow, CARD) is None
    # What no browser sends is no reason to fall over.
    for uuid in ("GPU-none", "GPU-\0", "x" * 2000):
        assert say(ROOT.name, "POST", "/drain", uuid=uuid, why="Because") == 200
        assert say(ROOT.name, "POST", "/end-drain", uuid=uuid) == 200
    assert say(ROOT.name, "POST", "/cancel", number="all") == 200
    assert say(ROOT.name, "POST", "/drain", uuid=CARD, why="Because") == 303
