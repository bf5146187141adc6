"""Schedules on the real service: turns are taken once, in the name of their person, or say why not."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.errors import Conflict, NotAllowed, NotFound
from machinelabs_hub.gpu_settings import Plans
from machinelabs_hub.labs.hubapi import HubAway, PersonGone
from machinelabs_hub.labs.models.lab import Lab, LabChange, Visibility
from machinelabs_hub.labs.models.person import Person, Standing
from machinelabs_hub.labs.models.run import Reason, Run, RunDraft, RunState
from machinelabs_hub.labs.models.schedule import Schedule, Turn
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.people import LabsOfLeaver, PeopleService
from machinelabs_hub.labs.services.runs import RunService
from machinelabs_hub.labs.services.schedules import ScheduleService
from machinelabs_hub.labs.services.timekeeper import Timekeeper
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.schedules import TurnTaken
from machinelabs_hub.settings import Runs

ADA, BEN = Person("ada", "Ada"), Person("ben", "Ben")
ADMIN = Person("root", "Root", admin=True)
# No turn is near the present: the app's own timekeeper must not take one during a test.
NOW = datetime(2150, 1, 2, 12, 0, 30, tzinfo=UTC)
BOOK = notebook([cell("code", "1 + 1", "a")])
HOURLY = "0 * * * *"


@dataclass
class World:
    """Ada's lab, and a timekeeper by a clock of the test's."""

    server: LabsServer
    lab: Lab
    now: datetime = NOW
    is_hub_away: bool = False
    gone: tuple[str, ...] = ()

    @property
    def tools(self) -> Tools:
        return replace(self.server.tools, clock=lambda: self.now)

    def add(self, person: Person = ADA, cron: str = HOURLY, **draft: Any) -> Schedule:
        return self.of(person).add(self.lab, cron, "UTC", RunDraft(**draft))

    def of(self, person: Person | None) -> ScheduleService:
        return ScheduleService(tools=self.tools, viewer=person)

    def look(self, **after: float) -> None:
        self.now += timedelta(**after)
        asyncio.run(Timekeeper(tools=self.tools, standing=self._standing).look())

    def runs(self) -> tuple[Run, ...]:
        service = RunService(tools=self.tools, viewer=Person("ada", "Ada"))
        return service.list(self.lab, limit=100).items

    def close(self) -> None:
        """Nobody but the owner may read the lab any more."""
        labs = LabService(tools=self.tools, viewer=ADA)
        labs.change("ada", self.lab.name, LabChange(visibility=Visibility.PRIVATE))

    def end(self, run: Run) -> None:
        assert self.tools.runs.end(run, RunState.FAILED, Reason("It is over."), self.now)

    def get(self, schedule: Schedule) -> Schedule:
        found = self.tools.schedules.find(self.lab, schedule.id)
        assert found is not None
        return found

    async def _standing(self, name: str) -> Standing:
        if self.is_hub_away:
            raise HubAway
        if name in self.gone:
            raise PersonGone
        return Standing((), is_admin=name == "root")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    runs = Runs(queued=3, schedules=4)
    with labs_server(tmp_path_factory.mktemp("schedules"), runs=runs, plans=Plans()) as made:
        made.seen_as(ADA, BEN, ADMIN)
        yield made


@pytest.fixture
def world(server: LabsServer) -> Iterator[World]:
    world = World(server, server.publish("ada", {"main.ipynb": BOOK, "train.py": b"print(1)\n"}))
    yield world
    for run in server.tools.runs.unsettled():
        server.tools.runs.end(run, RunState.STOPPED, Reason("The test is over."), world.now)
    for person in (ADA, BEN, ADMIN):
        server.tools.schedules.forget(person.name)


def test_a_turn_orders_a_run_as_its_person_and_the_next_one_comes_at_the_next_time(
    world: World,
) -> None:
    schedule = world.add(BEN, path="train.py", parameters={"epochs": 3}, name="Hourly")
    world.look(minutes=59)
    assert not world.runs()
    world.look(minutes=1)
    (run,) = world.runs()
    assert (run.person, run.path, run.parameters, run.name) == (
        "ben", "train.py", {"epochs": 3}, "Hourly",
    )  # fmt: skip
    now = world.get(schedule)
    assert (now.last_run, now.last_at, now.last_why) == (run.number, world.now, "")
    assert now.next_at == datetime(2150, 1, 2, 14, tzinfo=UTC)
    world.look(minutes=1)
    assert len(world.runs()) == 1


def test_turns_that_passed_while_the_service_was_away_are_one_order_of_the_newest_revision(
    world: World,
) -> None:
    world.add()
    pinned = world.add(revision=1)
    world.server.revise(world.lab, {"main.ipynb": BOOK, "new.md": b"."})
    world.look(days=3)
    assert {run.revision for run in world.runs()} == {1, 2}
    for run in world.runs():
        world.end(run)
    world.look(minutes=1)
    assert len(world.runs()) == 2
    assert world.get(pinned).next_at == datetime(2150, 1, 5, 13, tzinfo=UTC)


def test_two_timekeepers_at_one_moment_order_one_run(world: World) -> None:
    schedule = world.add()
    due, world.now = schedule.next_at, NOW + timedelta(hours=2)
    assert due is not None
    turn = Turn(schedule.id, due, due + timedelta(hours=9), world.now)
    start = threading.Barrier(4)

    def order(_: int) -> bool:
        start.wait()
        try:
            RunService(tools=world.tools, viewer=ADA).order(world.lab, schedule.draft, turn)
        except TurnTaken:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(order, range(4))) == [False, False, False, True]
    assert len(world.runs()) == 1
    assert not world.tools.schedules.skip(turn, "late")


def test_a_turn_is_skipped_while_the_run_before_goes_on_and_says_so(world: World) -> None:
    schedule = world.add()
    world.look(hours=1)
    world.look(hours=1)
    (run,) = world.runs()
    assert f"#{run.number}" in world.get(schedule).last_why
    world.end(run)
    world.look(hours=1)
    assert len(world.runs()) == 2
    assert world.get(schedule).last_why == ""


def test_a_turn_is_skipped_when_too_many_runs_wait_and_says_so(world: World) -> None:
    for _ in range(3):
        RunService(tools=world.tools, viewer=ADA).order(world.lab, RunDraft())
    schedule = world.add()
    world.look(hours=1)
    now = world.get(schedule)
    assert "wait already" in now.last_why
    assert not now.is_paused
    assert now.last_run is None


def test_who_may_not_run_the_lab_any_more_has_their_schedule_paused_with_the_reason(
    world: World,
) -> None:
    schedule = world.add(BEN)
    world.close()
    world.look(hours=1)
    now = world.get(schedule)
    assert now.is_paused
    assert "none that you may see" in now.last_why
    assert not world.runs()


def test_a_schedule_never_acts_with_an_admins_rights(world: World) -> None:
    private = world.server.publish("ada", {"main.ipynb": BOOK}, visibility=Visibility.PRIVATE)
    with pytest.raises(NotFound):
        world.of(ADMIN).add(private, HOURLY, "UTC", RunDraft())
    schedule = world.add(ADMIN)
    world.close()
    world.look(hours=1)
    assert world.get(schedule).is_paused


def test_a_deleted_account_orders_nothing(world: World) -> None:
    paused = world.add(BEN)
    world.gone = ("ben",)
    world.look(hours=1)
    assert world.get(paused).last_why == "The account of ben was deleted."
    PeopleService(tools=world.tools, viewer=ADMIN).remove("ben", LabsOfLeaver.KEEP)
    assert world.tools.schedules.find(world.lab, paused.id) is None


def test_a_turn_waits_while_the_hub_cannot_say_who_its_person_is(world: World) -> None:
    schedule = world.add()
    world.is_hub_away = True
    world.look(hours=1)
    assert world.get(schedule) == schedule
    world.is_hub_away = False
    world.look(minutes=5)
    assert len(world.runs()) == 1


def test_a_paused_schedule_orders_nothing_and_only_its_person_resumes_it(world: World) -> None:
    schedule = world.add(BEN)
    assert world.of(ADA).pause(world.lab, schedule.id).paused_by == "ada"
    world.look(hours=5)
    assert not world.runs()
    with pytest.raises(NotAllowed):
        world.of(ADA).resume(world.lab, schedule.id)
    resumed = world.of(BEN).resume(world.lab, schedule.id)
    assert resumed.next_at == datetime(2150, 1, 2, 18, tzinfo=UTC)


def test_people_see_their_own_schedules_and_owners_all_of_their_labs(world: World) -> None:
    bens, adas = world.add(BEN), world.add(ADA)
    assert world.of(BEN).list(world.lab).items == (bens,)
    assert world.of(ADA).list(world.lab).items == (adas, bens)
    assert world.of(None).list(world.lab).items == ()
    for act in (world.of(BEN).get, world.of(BEN).pause, world.of(BEN).remove, world.of(None).get):
        with pytest.raises(NotFound):
            act(world.lab, adas.id)
    world.of(ADA).remove(world.lab, bens.id)
    assert world.of(BEN).list(world.lab).items == ()


def test_nobody_gets_more_schedules_than_the_site_allows(world: World) -> None:
    for _ in range(4):
        world.add()
    with pytest.raises(Conflict, match="4 schedules"):
        world.add()


def test_a_program_makes_lists_pauses_and_deletes_schedules(
    world: World, server: LabsServer
) -> None:
    base = f"{server.url}/api/v1/labs/{world.lab.path}/schedules"
    with httpx.Client(headers={"Authorization": "Bearer ada"}, timeout=30) as http:
        bad = http.post(base, json={"cron": "soon"})
        assert (bad.status_code, bad.json()["code"]) == (422, "bad_cron")
        file = http.post(base, json={"cron": HOURLY, "run": {"path": "none.py"}})
        assert file.json()["code"] == "no_entrypoint"
        body = {"cron": "0 6 * * 1-5", "zone": "Europe/Berlin", "run": {"path": "train.py"}}
        made = http.post(base, json=body, headers={"Idempotency-Key": "once"})
        assert made.status_code == 201, made.text
        assert http.post(base, json=body, headers={"Idempotency-Key": "once"}).json() == made.json()
        told = made.json()
        assert told["words"] == "At 06:00 on Monday through Friday"
        assert len(told["next"]) == 3
        one = f"{base}/{told['id']}"
        assert http.patch(one, json={"paused": True}).json()["next"] == []
        assert http.patch(one, json={"paused": False}).json()["is_paused"] is False
        assert [item["id"] for item in http.get(base).json()["items"]] == [told["id"]]
        assert httpx.get(base).json()["items"] == []
        assert http.delete(one).status_code == 204
        assert http.get(one).status_code == 404


def test_the_purge_of_a_lab_takes_its_schedules(world: World) -> None:
    schedule = world.add()
    assert world.tools.labs.trash(world.lab, NOW)
    assert world.tools.labs.purge(world.lab, is_named=False)
    assert world.tools.schedules.due(NOW + timedelta(days=1), 10) == ()
    assert world.tools.schedules.find(world.lab, schedule.id) is None


def test_the_form_of_a_run_makes_a_schedule_that_its_page_shows_pauses_and_deletes(
    world: World, server: LabsServer
) -> None:
    base = f"/services/labs/{world.lab.path}"
    with httpx.Client(
        base_url=server.url.removesuffix("/services/labs"), headers={"X-As": "ada"}, timeout=30
    ) as http:
        form = {"_csrf": "-", "revision": "1", "path": "train.py", "arguments": "epochs=3",
                "each": "newest", "cron": "61 * * * *", "zone": "Europe/Berlin"}  # fmt: skip
        assert "Run it again and again" in http.get(f"{base}/runs/new").text
        bad = http.post(f"{base}/schedules", data=form)
        assert bad.status_code == 422
        assert "is no cron line" in bad.text
        assert 'value="61 * * * *"' in bad.text
        form["cron"] = "0 6 * * 1-5"
        assert http.post(f"{base}/schedules", data=form).status_code == 303
        (made,) = world.of(ADA).list(world.lab).items
        assert made.draft == RunDraft(
            path="train.py", image=made.draft.image, flavour=made.draft.flavour,
            parameters={"epochs": "3"},
        )  # fmt: skip
        shown = http.get(f"{base}/schedules").text
        assert "At 06:00 on Monday through Friday" in shown
        assert shown.count(", 06:00") == 3
        one = f"{base}/schedules/{made.id}"
        assert http.post(f"{one}/pause", data={"_csrf": "-"}).status_code == 303
        assert "Paused" in http.get(f"{base}/schedules").text
        assert http.post(f"{one}/resume", data={"_csrf": "-"}).status_code == 303
        others = http.post(f"{one}/delete", headers={"X-As": "ben"}, data={"_csrf": "-"})
        assert others.status_code == 404
        assert http.post(f"{one}/delete", data={"_csrf": "-"}).status_code == 303
        assert "Nothing is scheduled" in http.get(f"{base}/schedules").text
