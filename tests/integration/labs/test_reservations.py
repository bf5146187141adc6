"""Reservations over HTTP: admins make and cancel them, whoever is signed in sees them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.db.tables.orders import ReservationRow
from machinelabs_hub.labs.models.person import Person

ADA = Person("res-ada", "Ada")
ROOT = Person("res-root", "Root", admin=True, groups=("ml101",))
READER = Person("res-root", "Root", admin=True, may_write=False)
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("reservations") / "data") as labs:
        labs.seen_as(ADA, ROOT, reader=READER)
        yield labs


def ask(labs: LabsServer, who: str, method: str, path: str = "", **more: object) -> httpx.Response:
    address = f"{labs.url}/api/v1/reservations{path}"
    return httpx.request(method, address, headers={"X-As": who}, **more)  # type: ignore[arg-type]


def a_body(**more: object) -> dict[str, object]:
    return {
        "group": "ml101",
        "flavour": "gpu-small",
        "slots": 2,
        "starts_at": (NOW + 5 * HOUR).isoformat(),
        "ends_at": (NOW + 7 * HOUR).isoformat(),
        **more,
    }


def test_an_admin_reserves_and_everybody_sees_when_it_holds_next(labs: LabsServer) -> None:
    made = ask(
        labs,
        ROOT.name,
        "POST",
        json=a_body(title=" Deep \n learning", repeat="weekly", zone="Europe/Berlin"),
    )
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["title"], body["by"], body["grace_minutes"]) == ("Deep learning", ROOT.name, 15)
    assert datetime.fromisoformat(body["next_starts_at"]) == NOW + 5 * HOUR
    listed = ask(labs, ADA.name, "GET").json()["items"]
    assert [row["id"] for row in listed] == [body["id"]]
    with labs.tools.sessions() as db:
        row = db.get(ReservationRow, body["id"])
        assert row is not None
        assert (row.starts_at, row.repeat, row.zone) == (NOW + 5 * HOUR, "weekly", "Europe/Berlin")
    assert ask(labs, ROOT.name, "DELETE", f"/{body['id']}").status_code == 204
    assert ask(labs, ROOT.name, "DELETE", f"/{body['id']}").status_code == 404
    assert ask(labs, ADA.name, "GET").json()["items"] == []


def test_nobody_else_may_reserve_or_cancel(labs: LabsServer) -> None:
    made = ask(labs, ROOT.name, "POST", json=a_body()).json()
    assert ask(labs, ADA.name, "POST", json=a_body()).status_code == 403
    assert ask(labs, "reader", "POST", json=a_body()).status_code == 403
    assert ask(labs, ADA.name, "DELETE", f"/{made['id']}").status_code == 403
    assert ask(labs, "", "GET").status_code == 401
    assert ask(labs, ROOT.name, "DELETE", f"/{made['id']}").status_code == 204


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flavour": "cpu-small"}, "has no GPU"),
        ({"flavour": "nope"}, "no size called"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"zone": "../../etc/passwd"}, "no time zone"),
        ({"ends_at": NOW.isoformat()}, "end after it begins"),
        ({"repeat": "daily", "ends_at": (NOW + 35 * HOUR).isoformat()}, "at most 1 day later"),
        ({"starts_at": (NOW - 9 * HOUR).isoformat(), "ends_at": NOW.isoformat()}, "over already"),
        ({"starts_at": "2150-01-01T00:00:00Z", "ends_at": "2150-01-01T01:00:00Z"}, "within a year"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "between the years"),
        ({"starts_at": "2027-01-01T00:00:00"}, "timezone"),
        ({"repeat_until": (NOW + 99 * HOUR).isoformat()}, "repeats has a last time"),
        ({"repeat": "daily", "repeat_until": NOW.isoformat()}, "Repeats end after the first"),
        ({"slots": 0}, "slots"),
        ({"grace_minutes": 0}, "grace_minutes"),
        ({"title": "a\u0007b"}, "character"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_sentence(
    labs: LabsServer, change: dict[str, object], words: str
) -> None:
    answer = ask(labs, ROOT.name, "POST", json=a_body(**change))
    assert answer.status_code == 422, answer.text
    assert words in answer.json()["message"]
    assert ask(labs, ROOT.name, "GET").json()["items"] == []


def test_what_began_already_can_be_reserved_and_a_repeat_that_is_over_says_so(
    labs: LabsServer,
) -> None:
    body = a_body(
        starts_at=(NOW - 50 * HOUR).isoformat(),
        ends_at=(NOW - 48 * HOUR).isoformat(),
        repeat="daily",
    )
    made = ask(labs, ROOT.name, "POST", json=body).json()
    assert datetime.fromisoformat(made["next_starts_at"]) > NOW - 2 * HOUR
    over = ask(labs, ROOT.name, "POST", json=body | {"repeat_until": (NOW - 30 * HOUR).isoformat()})
    assert over.status_code == 422
    ask(labs, ROOT.name, "DELETE", f"/{made['id']}")


def test_a_list_goes_on_where_it_ended(labs: LabsServer) -> None:
    made = [ask(labs, ROOT.name, "POST", json=a_body(slots=n)).json()["id"] for n in (1, 2, 3)]
    first = ask(labs, ADA.name, "GET", "?limit=2").json()
    rest = ask(labs, ADA.name, "GET", f"?limit=2&cursor={first['next']}").json()
    assert [row["id"] for row in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    assert ask(labs, ADA.name, "GET", "?cursor=nonsense").status_code == 422
    for number in made:
        ask(labs, ROOT.name, "DELETE", f"/{number}")
