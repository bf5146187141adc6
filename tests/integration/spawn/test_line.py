"""The line for GPUs, through a real hub on an engine with four simulated cards."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import func, select, text, update
from tests.support.card_site import CARDS, CardSite, running_with_cards
from tests.support.waiting import wait_until

from machinelabs_hub.db.engine import Sessions, open_engine, session_maker
from machinelabs_hub.db.tables.gpus import ClaimRow, WaitRow
from machinelabs_hub.db.tables.orders import ReservationRow
from machinelabs_hub.db.tables.usage import UsageRow
from machinelabs_hub.sites import database_url, hub_database_url

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def site() -> Iterator[CardSite]:
    with running_with_cards(gpus={"unopened_minutes": 0}) as found:
        yield found


@pytest.fixture(scope="module")
def sessions(site: CardSite) -> Iterator[Sessions]:
    engine = open_engine(database_url(site.settings))
    yield session_maker(engine)
    engine.dispose()


@pytest.fixture(autouse=True)
def nobody_left(site: CardSite) -> Iterator[None]:
    """Stop everybody's server after each test."""
    yield
    for user in site.operator("GET", "/users").json():
        if user["servers"]:
            site.operator("DELETE", f"/users/{user['name']}/server")
    wait_until(
        lambda: not any(user["servers"] for user in site.operator("GET", "/users").json()),
        seconds=60,
        what="all servers stop",
    )
    wait_until(
        lambda: not site.cards.run("container", "ls", "-aq"), seconds=120, what="no container left"
    )


def ask(site: CardSite, user: str, flavour: str = "whole") -> httpx.Response:
    site.make_user(user)
    options = {"image": "tiny", "flavour": flavour}
    return site.operator("POST", f"/users/{user}/server", json=options)


def server(site: CardSite, user: str) -> dict[str, object]:
    found = site.operator("GET", f"/users/{user}").json()["servers"]
    return dict(found.get("", {}))


def is_ready(site: CardSite, user: str) -> bool:
    return server(site, user).get("ready") is True


def fill(site: CardSite, *users: str) -> None:
    """Let these hold all four cards."""
    for user in users:
        assert ask(site, user).status_code == 202
    for user in users:
        wait_until(lambda user=user: is_ready(site, user), seconds=180, what=f"{user} is ready")  # type: ignore[misc]


def waits(sessions: Sessions) -> list[str]:
    with sessions() as db:
        return list(db.scalars(select(WaitRow.user).order_by(WaitRow.since)))


class Page:
    """What the waiting page of somebody hears."""

    def __init__(self, site: CardSite, user: str) -> None:
        self.events: list[tuple[float, dict[str, object]]] = []
        self._site, self._user = site, user
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        site, headers = self._site, {"Authorization": f"token {self._site.token(self._user)}"}
        url = f"{site.addresses.hub_local}/hub/api/users/{self._user}/server/progress"
        # A hub that ends while somebody listens cuts them off.
        with (
            suppress(httpx.HTTPError),
            httpx.stream("GET", url, headers=headers, timeout=60) as answer,
        ):
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    self.events.append((time.monotonic(), json.loads(line[6:])))

    def place(self) -> str:
        last = self.events[-1][1].get("line") if self.events else None
        return str(last["place"]) if isinstance(last, dict) else ""


def test_who_does_not_fit_waits_and_hears_place_and_reason_within_a_second(
    site: CardSite, sessions: Sessions
) -> None:
    fill(site, "a0", "a1", "a2", "a3")
    for user in ("w0", "w1", "w2"):
        assert ask(site, user).status_code == 202
    wait_until(lambda: waits(sessions) == ["w0", "w1", "w2"], seconds=5, what="all wait")
    page = Page(site, "w2")
    wait_until(lambda: page.place() == "3rd in line", seconds=5, what="the page hears its place")
    line = page.events[-1][1]["line"]
    assert isinstance(line, dict)
    assert line["why"] == "All 4 GPUs are in use."
    left = time.monotonic()
    assert site.operator("DELETE", "/users/w0/server").status_code in {202, 204}
    wait_until(lambda: page.place() == "2nd in line", seconds=5, what="the page hears of it")
    assert page.events[-1][0] - left < 2.5
    assert waits(sessions) == ["w1", "w2"]
    # What comes free goes to the next.
    site.operator("DELETE", "/users/a0/server")
    wait_until(lambda: is_ready(site, "w1"), seconds=30, what="the first in line is served")
    wait_until(lambda: page.place() == "1st in line", seconds=5, what="the second moves up")
    assert not is_ready(site, "w2")


def test_the_line_outlives_a_hub_that_is_killed(site: CardSite, sessions: Sessions) -> None:
    fill(site, "a0", "a1", "a2", "a3")
    for user in ("k0", "k1", "k2"):
        ask(site, user)
    wait_until(lambda: waits(sessions) == ["k0", "k1", "k2"], seconds=5, what="all wait")
    with sessions() as db:
        since = dict(db.execute(select(WaitRow.user, WaitRow.since)).all())
    site.kill_hub()
    # While no Hub is there a card comes free.
    held = site.cards.run("container", "ls", "-q", "--filter", "label=machinelabs.user=a0")
    site.cards.run("container", "rm", "-f", held)
    site.start_hub()
    late = ask(site, "late")
    assert late.status_code == 202
    wait_until(lambda: is_ready(site, "k0"), seconds=90, what="the first in line is served")
    wait_until(lambda: waits(sessions) == ["k1", "k2", "late"], seconds=5, what="others wait on")
    assert [server(site, user).get("pending") for user in ("k1", "k2", "late")] == ["spawn"] * 3
    with sessions() as db:
        again = dict(db.execute(select(WaitRow.user, WaitRow.since)).all())
    assert again["k1"] == since["k1"]


def test_the_line_outlives_a_hub_that_is_stopped_in_good_order(
    site: CardSite, sessions: Sessions
) -> None:
    fill(site, "a0", "a1", "a2", "a3")
    ask(site, "t0")
    wait_until(lambda: waits(sessions) == ["t0"], seconds=5, what="t0 waits")
    hub = site.processes["hub"]
    hub.terminate()
    hub.wait(timeout=30)
    assert waits(sessions) == ["t0"]
    site.start_hub()
    wait_until(
        lambda: server(site, "t0").get("pending") == "spawn", seconds=20, what="t0 waits again"
    )
    site.operator("DELETE", "/users/a1/server")
    wait_until(lambda: is_ready(site, "t0"), seconds=30, what="t0 is served")


def test_a_reserved_card_is_for_the_group_and_others_read_why(
    site: CardSite, sessions: Sessions
) -> None:
    site.make_group("ml101", "stu")
    now = datetime.now(UTC)
    ends = now + timedelta(hours=1)
    with sessions() as db:
        db.add(
            ReservationRow(
                title="Deep learning", group="ml101", flavour="whole", slots=1, repeat="",
                starts_at=now - timedelta(minutes=1), ends_at=ends,
                zone="UTC", grace_minutes=15, by="root", at=now,
            )
        )  # fmt: skip
    try:
        fill(site, "a0", "a1", "a2")
        ask(site, "out")
        wait_until(lambda: waits(sessions) == ["out"], seconds=5, what="the outsider waits")
        page = Page(site, "out")
        wait_until(lambda: page.place() == "1st in line", seconds=5, what="the outsider hears")
        line = page.events[-1][1]["line"]
        assert isinstance(line, dict)
        # The day is told only where the hour belongs to another day than the one of reading.
        assert re.fullmatch(
            rf"1 of 4 GPUs is reserved for Deep learning until {ends:%H:%M}"
            rf"( on {ends.day} {ends:%B})? \(UTC\), 3 are in use\.",
            str(line["why"]),
        )
        ask(site, "stu")
        wait_until(lambda: is_ready(site, "stu"), seconds=30, what="the student is served")
        assert not is_ready(site, "out")
    finally:
        with sessions() as db:
            db.query(ReservationRow).delete()


def test_a_server_that_nobody_opens_gives_its_card_back_and_says_so(
    sessions: Sessions, site: CardSite
) -> None:
    settings = (site.data / "settings.yaml").read_text(encoding="utf-8")
    changed = settings.replace("unopened_minutes: 0", "unopened_minutes: 10")
    (site.data / "settings.yaml").write_text(changed, encoding="utf-8")
    try:
        site.kill_hub()
        site.start_hub()
        fill(site, "gone", "here")
        open_in_browser(site, "here")
        wait_until(
            lambda: opened(sessions, "here") is not None, seconds=60, what="the opening is noted"
        )
        assert opened(sessions, "gone") is None
        # Ten minutes later.
        site.kill_hub()
        ten_minutes_ago = datetime.now(UTC) - timedelta(minutes=10, seconds=1)
        with sessions() as db:
            db.execute(
                update(ClaimRow).where(ClaimRow.ended_at.is_(None)).values(ready_at=ten_minutes_ago)
            )
        hub_knows(site, last_activity=ten_minutes_ago)
        site.start_hub()
        wait_until(lambda: not server(site, "gone"), seconds=90, what="it is stopped")
        with sessions() as db:
            whys = dict(
                db.execute(
                    select(ClaimRow.user, ClaimRow.why).where(ClaimRow.user.in_(["gone", "here"]))
                ).all()
            )
        assert whys == {"gone": "unopened", "here": ""}
        home = site.sign_in("gone").get("/hub/home").text
        assert "Nobody opened your server within 10 minutes" in home
    finally:
        site.write_settings()
        site.kill_hub()
        site.start_hub()


def hub_knows(site: CardSite, *, last_activity: datetime) -> None:
    """Let a hub that does not run have heard of all servers at this moment for the last time."""
    engine = open_engine(hub_database_url(site.settings))
    with session_maker(engine)() as db:
        moment = last_activity.replace(tzinfo=None)
        db.execute(text("UPDATE spawners SET last_activity = :at"), {"at": str(moment)})
    engine.dispose()


def opened(sessions: Sessions, user: str) -> datetime | None:
    with sessions() as db:
        return db.scalar(
            select(ClaimRow.opened_at).where(ClaimRow.user == user, ClaimRow.ended_at.is_(None))
        )


def open_in_browser(site: CardSite, user: str) -> None:
    """Do what a browser and a server do together when a person opens it: OAuth at the hub."""
    container = site.cards.run(
        "container", "ls", "-q", "--filter", f"label=machinelabs.user={user}"
    )
    inside = json.loads(site.cards.run("inspect", container))[0]["Config"]["Env"]
    environment = dict(entry.split("=", 1) for entry in inside)
    asked = site.sign_in(user).get(
        "/hub/api/oauth2/authorize",
        params={
            "client_id": environment["JUPYTERHUB_CLIENT_ID"],
            "redirect_uri": environment["JUPYTERHUB_OAUTH_CALLBACK_URL"],
            "response_type": "code",
            "state": "x",
        },
        follow_redirects=False,
    )
    code = httpx.URL(asked.headers["location"]).params["code"]
    answer = httpx.post(
        f"{site.addresses.hub_local}/hub/api/oauth2/token",
        data={
            "client_id": environment["JUPYTERHUB_CLIENT_ID"],
            "client_secret": environment["JUPYTERHUB_API_TOKEN"],
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": environment["JUPYTERHUB_OAUTH_CALLBACK_URL"],
        },
    )
    answer.raise_for_status()


PEOPLE = 40


def test_forty_people_on_four_cards_are_served_in_the_order_of_the_policy(
    site: CardSite, sessions: Sessions
) -> None:
    """Each holds a card for a moment. Half of them used GPUs lately, each another amount."""
    people = [f"p{number:02}" for number in range(PEOPLE)]
    now = datetime.now(UTC)
    with sessions() as db:
        for number, user in enumerate(people[::2]):
            # The later ones used less, and all of it just now.
            seconds = 1000.0 * (PEOPLE - number)
            db.add(
                UsageRow(
                    session=f"s{user}", month=f"{now:%Y-%m}", user=user, flavour="whole",
                    since=now - timedelta(seconds=1), until=now, gpu_seconds=seconds,
                    is_open=False,
                )
            )  # fmt: skip
    fill(site, "h0", "h1", "h2", "h3")
    for user in people:
        assert ask(site, user).status_code == 202
    wait_until(lambda: len(waits(sessions)) == PEOPLE, seconds=90, what="all wait")
    with sessions() as db:
        rows = db.scalars(select(WaitRow)).all()
        expected = [
            row.user
            for row in sorted(rows, key=lambda row: row.since + timedelta(seconds=row.late_seconds))
        ]
    assert expected[: PEOPLE // 2] == people[1::2]
    assert set(expected[PEOPLE // 2 :]) == set(people[::2])
    # Nobody is served before those who run leave, one after the other.
    running = ["h0", "h1", "h2", "h3"]
    for user in expected:
        site.operator("DELETE", f"/users/{running.pop(0)}/server")
        wait_until(lambda user=user: is_ready(site, user), seconds=90, what=f"{user} is served")  # type: ignore[misc]
        running.append(user)
    with sessions() as db:
        granted = db.scalars(
            select(ClaimRow.user).where(ClaimRow.user.in_(people)).order_by(ClaimRow.granted_at)
        ).all()
        total = db.scalar(
            select(func.count()).select_from(ClaimRow).where(ClaimRow.user.in_(people))
        )
    assert list(granted) == expected
    assert total == PEOPLE
    assert len(CARDS) == len(running)
