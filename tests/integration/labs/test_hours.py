"""Notices, *Keep it*, extra hours and the CSV, over HTTP, on the tables that the Hub writes."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import httpx
import pytest
from sqlalchemy import update
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.db.tables.labs import LabRow, PersonRow
from machinelabs_hub.db.tables.orders import ConfirmationRow, KeepRow
from machinelabs_hub.gpu_settings import GroupPlan, Plan, Plans
from machinelabs_hub.labs.models.person import Person, Standing
from machinelabs_hub.labs.services.room import StorageFull
from machinelabs_hub.plans.model import Notice, Session, Use
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.plans.usage import UsageTable

ADA = Person("hours-ada", "Ada")
BOB = Person("hours-bob", "Bob")
READER = Person("hours-ada", "Ada", may_write=False)
ADMIN = Person("hours-root", "Root", admin=True)


PLANS = Plans(
    table=(
        Plan(name="small", title="Small", gpu_hours=4, storage_gib=1),
        Plan(name="large", title="Large"),
    ),
    default="small",
    admins="large",
    groups=(GroupPlan(group="vision", plan="large"),),
)


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("hours") / "data", plans=PLANS) as labs:
        labs.seen_as(ADA, BOB, ADMIN, reader=READER)
        with labs.tools.sessions() as db:
            db.add(PersonRow(name=ADA.name, display_name="Ada", joined_at=datetime.now(UTC)))
        yield labs


def ask(labs: LabsServer, who: str, method: str, path: str, **more: object) -> httpx.Response:
    address = f"{labs.url}/api/v1/{path}"
    return httpx.request(method, address, headers={"X-As": who}, **more)  # type: ignore[arg-type]


def told(labs: LabsServer, key: str, **more: object) -> Notice:
    at = datetime.now(UTC)
    notice = Notice(key, ADA.name, "", "hours", "It ends soon.", at, **more)  # type: ignore[arg-type]
    return NoticeTable(sessions=labs.tools.sessions).put(notice)


def test_a_server_hears_what_holds_for_it_and_nobody_elses(labs: LabsServer) -> None:
    told(labs, "n1", stops_at=datetime.now(UTC) + timedelta(minutes=5))
    (found,) = ask(labs, ADA.name, "GET", "me/notices").json()["items"]
    assert (found["id"], found["is_final"], found["may_keep"]) == ("n1", False, False)
    assert 200 < found["seconds_left"] <= 300
    assert ask(labs, ADA.name, "GET", "me/notices?server=other").json()["items"] == []
    assert ask(labs, BOB.name, "GET", "me/notices").json()["items"] == []
    assert ask(labs, "", "GET", "me/notices").status_code == 401


def test_a_final_notice_is_confirmed_by_its_own_person_alone(labs: LabsServer) -> None:
    notices = NoticeTable(sessions=labs.tools.sessions)
    final = notices.make_final(told(labs, "n2"), datetime.now(UTC))
    found = ask(labs, ADA.name, "GET", "me/notices").json()["items"]
    assert [(row["is_final"], row["seconds_left"]) for row in found if row["id"] == "n2"] == [
        (True, 0)
    ]
    assert ask(labs, BOB.name, "POST", "me/notices/n2/confirm").status_code == 404
    assert ask(labs, "reader", "POST", "me/notices/n2/confirm").status_code == 403
    assert not notices.is_confirmed(final)
    assert ask(labs, ADA.name, "POST", "me/notices/n2/confirm").status_code == 204
    assert notices.is_confirmed(final)
    with labs.tools.sessions() as db:
        row = db.get(ConfirmationRow, (ADA.name, ""))
        assert row is not None
        assert row.notice == "n2"
    notices.end(final, datetime.now(UTC))
    gone = ask(labs, ADA.name, "POST", "me/notices/n2/confirm")
    assert (gone.status_code, gone.json()["code"]) == (404, "no_notice")


def test_keep_it_is_noted_for_ones_own_server(labs: LabsServer) -> None:
    assert ask(labs, ADA.name, "POST", "me/keep", json={"server": "gpu"}).status_code == 204
    with labs.tools.sessions() as db:
        row = db.get(KeepRow, (ADA.name, "gpu"))
        assert row is not None
        assert abs(row.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_admin_gives_extra_hours_with_a_reason(labs: LabsServer) -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    body = {"user": ADA.name, "gpu_hours": 5, "reason": " A  paper\ndeadline "}
    made = ask(labs, ADMIN.name, "POST", "hour-grants", json=body)
    assert made.status_code == 201
    assert made.json() | {"at": "", "id": 0} == {
        "id": 0, "user": ADA.name, "month": month, "cpu_hours": 0.0, "gpu_hours": 5.0,
        "reason": "A paper deadline", "by": ADMIN.name, "at": "",
    }  # fmt: skip
    (grant,) = UsageTable(sessions=labs.tools.sessions).grants(ADA.name, month)
    assert grant.gpu_hours == 5
    again = ask(labs, ADMIN.name, "POST", "hour-grants", json=body | {"gpu_hours": 1})
    first = ask(labs, ADMIN.name, "GET", f"hour-grants?user={ADA.name}&limit=1").json()
    assert first["items"] == [again.json()]
    rest = ask(labs, ADMIN.name, "GET", f"hour-grants?limit=1&cursor={first['next']}").json()
    assert (rest["items"], rest["next"]) == ([made.json()], None)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"reason": "  "}, 422),
        ({"gpu_hours": 0}, 422),
        ({"gpu_hours": -1}, 422),
        ({"month": "2020-01"}, 422),
        ({"month": "soon"}, 422),
    ],
)
def test_extra_hours_that_make_no_sense_are_refused(
    labs: LabsServer, wrong: dict[str, object], status: int
) -> None:
    body = {"user": ADA.name, "gpu_hours": 5, "reason": "Because"} | wrong
    answer = ask(labs, ADMIN.name, "POST", "hour-grants", json=body)
    assert answer.status_code == status
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "hour-grants"), ("POST", "hour-grants"), ("GET", "usage.csv")]
)
def test_other_peoples_hours_are_for_admins(labs: LabsServer, method: str, path: str) -> None:
    body = {"user": ADA.name, "gpu_hours": 5, "reason": "Because"}
    more = {"json": body} if method == "POST" else {}
    assert ask(labs, ADA.name, method, path, **more).status_code == 403
    assert ask(labs, "", method, path, **more).status_code == 401


def test_the_csv_has_a_line_for_each_session_of_the_month(labs: LabsServer) -> None:
    session = Session("s1", BOB.name, "gpu", "gpu-quarter", Fraction(1, 4))
    now = datetime.now(UTC)
    month, since = f"{now:%Y-%m}", now - timedelta(seconds=30)
    table = UsageTable(sessions=labs.tools.sessions)
    table.save([Use(session, month, since, now, session.charge(7200), is_open=True)])
    old = Session("s0", BOB.name, "", "cpu-small")
    table.save([Use(old, "2020-01", since - timedelta(days=900), since, old.charge(10))])
    answer = ask(labs, ADMIN.name, "GET", "usage.csv")
    assert answer.headers["content-disposition"].endswith(f'"usage-{month}.csv"')
    (row,) = list(csv.DictReader(io.StringIO(answer.text)))
    assert (row["user"], row["flavour"], row["cards"]) == (BOB.name, "gpu-quarter", "1/4")
    assert (row["gpu_hours"], row["cpu_hours"], row["is_open"]) == ("0.5000", "0.0000", "yes")
    assert ask(labs, ADMIN.name, "GET", "usage.csv?month=x").status_code == 422


def test_ones_own_use_tells_the_plan_and_what_is_left(labs: LabsServer) -> None:
    cleo = Person("hours-cleo", "Cleo")
    # A container's token tells of no groups; who asks the Hub knows them.
    grouped = Person("hours-cleo", "Cleo", standing=Standing(("vision",), is_admin=False))
    labs.seen_as(ADA, BOB, ADMIN, cleo, reader=READER, grouped=grouped)
    session = Session("s-cleo", cleo.name, "gpu", "gpu-small", Fraction(1))
    now = datetime.now(UTC)
    month, since = f"{now:%Y-%m}", now - timedelta(seconds=30)
    UsageTable(sessions=labs.tools.sessions).save(
        [Use(session, month, since, now, session.charge(3600), is_open=True)]
    )
    found = ask(labs, cleo.name, "GET", "me/usage").json()
    gpu, cpu = found["hours"]
    assert (found["plan"], gpu["kind"], gpu["used_hours"]) == ("small", "gpu", 1)
    assert (gpu["given_hours"], gpu["left_hours"]) == (4, 3)
    assert gpu["ends_at"] is not None
    assert (cpu["used_hours"], cpu["given_hours"]) == (0, None)
    assert [row["flavour"] for row in found["live"]] == ["gpu-small"]
    assert {row["flavour"] for row in found["days"]} == {"gpu-small"}
    free = ask(labs, "grouped", "GET", "me/usage").json()
    assert (free["plan"], free["hours"][0]["left_hours"]) == ("large", None)
    assert ask(labs, "", "GET", "me/usage").status_code == 401


def test_whose_labs_hold_all_that_their_plan_gives_publishes_no_more(labs: LabsServer) -> None:
    lab = labs.publish("hours-dan", {"a.txt": b"a"})
    labs.revise(lab, {"a.txt": b"b"})
    with labs.tools.sessions() as db:
        db.execute(update(LabRow).where(LabRow.owner == "hours-dan").values(size_bytes=2**30))
    with pytest.raises(StorageFull, match=r"hold 1\.0 GiB, and your plan, “Small”, gives you 1"):
        labs.revise(lab, {"a.txt": b"c"})
    with pytest.raises(StorageFull):
        labs.publish("hours-dan", {"a.txt": b"a"})
    labs.publish("hours-eve", {"a.txt": b"a"})


def look(labs: LabsServer, who: str, path: str, **form: str) -> httpx.Response:
    address, headers = f"{labs.url}/-/usage{path}", {"X-As": who}
    if form:
        return httpx.post(address, headers=headers, data=form)
    return httpx.get(address, headers=headers)


def test_ones_own_page_shows_the_plan_what_is_left_and_a_plot(labs: LabsServer) -> None:
    session = Session("s-page", BOB.name, "", "gpu-small", Fraction(1))
    now = datetime.now(UTC)
    month, since = f"{now:%Y-%m}", now - timedelta(seconds=30)
    UsageTable(sessions=labs.tools.sessions).save(
        [Use(session, month, since, now, session.charge(3600 * 1.5), is_open=True)]
    )
    page = look(labs, BOB.name, "").text
    assert "Your plan is “Small”" in page
    assert "<strong>2.0</strong> of 4.0 left" in page, "with the half hour of the CSV's test"
    assert '<svg viewBox="0 0 720 180" role="img"' in page
    assert "Small, with a GPU" in page
    assert "Running now" in page
    assert "You have used nothing yet" in look(labs, ADMIN.name, "").text


def test_an_admin_gives_hours_on_the_page_and_what_was_wrong_is_told(labs: LabsServer) -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    wrong = look(
        labs, ADMIN.name, "/people", user="nobody-here", gpu_hours="3", reason="", month=month
    )
    assert "Say why" in wrong.text
    assert 'value="nobody-here"' in wrong.text
    words = look(
        labs, ADMIN.name, "/people", user=ADA.name, gpu_hours="many", reason="x", month=month
    )
    assert "Give between 0 and 10000 hours" in words.text
    given = look(
        labs, ADMIN.name, "/people", user=ADA.name, cpu_hours="2,5", reason="Talk", month=month
    )
    assert given.status_code == 303
    page = look(labs, ADMIN.name, "/people").text
    assert "2.5 without" in page
    assert "Talk" in page
    assert look(labs, ADA.name, "/people").status_code == 403
