"""The line: who asks gets a claim or waits in SQL, and is woken when it is their turn."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.support.gpus import NOON, a_gpu

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import Sessions, open_engine, session_maker
from machinelabs_hub.db.tables.gpus import ClaimRow, WaitRow
from machinelabs_hub.db.tables.orders import ReservationRow
from machinelabs_hub.db.tables.usage import UsageRow
from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.model import Ask, Claim, Gpu, Health, Holder, Want
from machinelabs_hub.gpu.queue import COMEBACK, LOST, Line, NoSuchGpu
from machinelabs_hub.plans.notices import NoticeTable

WANTS = {"whole": Want(), "pair": Want(count=2), "quarter": Want(share=4)}
HOUR = timedelta(hours=1)


class Stock:
    """The devices of the site, as a test says."""

    def __init__(self, *devices: Gpu) -> None:
        self.all = devices

    def devices(self) -> tuple[Gpu, ...]:
        return self.all


class Desk:
    """A line over a real ledger and a real database, with a clock that the test sets."""

    def __init__(self, sessions: Sessions, *devices: Gpu) -> None:
        self.sessions = sessions
        self.stock = Stock(*devices)
        self.now = NOON
        self.begin()

    def begin(self) -> None:
        self.ledger = Ledger(self.sessions)
        self.line = Line(
            inventory=self.stock,
            ledger=self.ledger,
            sessions=self.sessions,
            wants=WANTS,
            clock=lambda: self.now,
        )

    def ask(
        self, user: str, flavour: str = "whole", *, groups: tuple[str, ...] = ()
    ) -> asyncio.Task[Claim]:
        ask = Ask(
            holder=Holder(user),
            flavour=flavour,
            want=WANTS[flavour],
            options={"flavour": flavour},
            groups=frozenset(groups),
        )
        return asyncio.ensure_future(self.line.take(ask))

    def end(self, claim: Claim) -> None:
        self.ledger.end(claim.id, "stopped", self.now)
        self.line.wake()

    def waits(self) -> list[str]:
        with self.sessions() as db:
            return sorted(db.scalars(select(WaitRow.user)))

    def add(self, *rows: Any) -> None:
        with self.sessions() as db:
            db.add_all(rows)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and no row."""
    path = tmp_path_factory.mktemp("line") / "empty.sqlite"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sessions(tmp_path: Path, empty: Path) -> Iterator[Sessions]:
    path = shutil.copy(empty, tmp_path / "machinelabs.sqlite")
    engine = open_engine(f"sqlite:///{path}")
    yield session_maker(engine)
    engine.dispose()


Story = Callable[[], Coroutine[Any, Any, None]]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_asks_first_gets_what_is_free_and_the_others_wait(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"), a_gpu("b"))
        tasks = [desk.ask(user) for user in ("ada", "bo", "cy")]
        await settle()
        assert [task.done() for task in tasks] == [True, True, False]
        assert tasks[0].result().uuids != tasks[1].result().uuids
        assert desk.waits() == ["cy"]
        place = desk.line.place(Holder("cy"))
        assert place is not None
        assert (place.position, place.why) == (1, "All 2 GPUs are in use.")
        assert place.expected_at is None
        desk.end(tasks[0].result())
        assert (await tasks[2]).uuids == tasks[0].result().uuids
        assert desk.waits() == []
        assert desk.line.place(Holder("cy")) is None

    asyncio.run(story())


def test_who_leaves_the_line_is_not_served_and_holds_nobody_up(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        first, leaver, last = [desk.ask(user) for user in ("ada", "bo", "cy")]
        await settle()
        leaver.cancel()
        with suppress(asyncio.CancelledError):
            await leaver
        assert desk.waits() == ["cy"]
        desk.end(first.result())
        assert (await last).holder == Holder("cy")

    asyncio.run(story())


def test_whoever_leaves_in_the_moment_of_the_grant_holds_nothing(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        first, leaver, last = [desk.ask(user) for user in ("ada", "bo", "cy")]
        await settle()
        desk.end(first.result())
        leaver.cancel()
        assert (await last).holder == Holder("cy")
        assert len(desk.ledger.live()) == 1

    asyncio.run(story())


def test_whoever_left_before_the_grant_is_passed_over(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        first, leaver, last = [desk.ask(user) for user in ("ada", "bo", "cy")]
        await settle()
        leaver.cancel()
        desk.end(first.result())
        assert (await last).holder == Holder("cy")
        assert len(desk.ledger.live()) == 1

    asyncio.run(story())


def test_whoever_used_gpus_lately_comes_after_those_who_did_not(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        desk.add(
            UsageRow(
                session="s", month="2026-11", user="heavy", flavour="whole",
                since=NOON - 2 * HOUR, until=NOON, gpu_seconds=7200.0, is_open=False,
            )
        )  # fmt: skip
        holder = desk.ask("ada")
        heavy = desk.ask("heavy")
        await settle()
        desk.now += HOUR
        light = desk.ask("light")
        await settle()
        desk.end(holder.result())
        assert (await light).holder == Holder("light")
        assert not heavy.done()
        heavy.cancel()
        await settle()

    asyncio.run(story())


def test_a_second_server_of_one_person_comes_after_others_first(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        holder = desk.ask("ada")
        await settle()
        desk.now += timedelta(minutes=1)
        again = asyncio.ensure_future(
            desk.line.take(Ask(Holder("ada", "two"), "whole", WANTS["whole"]))
        )
        await settle()
        desk.now += timedelta(minutes=30)
        other = desk.ask("bo")
        await settle()
        desk.end(holder.result())
        assert (await other).holder == Holder("bo")
        again.cancel()
        await settle()

    asyncio.run(story())


def test_a_hub_that_starts_anew_gives_everybody_their_old_place(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        holder = desk.ask("ada")
        for minute, user in enumerate(("bo", "cy")):
            desk.now = NOON + timedelta(minutes=minute)
            desk.ask(user)
            await settle()
        # As after `kill -9`: nothing of the process is left, all rows are.
        desk.begin()
        desk.now = NOON + HOUR
        assert [lost.holder.user for lost in desk.line.lost()] == ["bo", "cy"]
        assert desk.line.lost()[0].options == {"flavour": "whole"}
        late, cy, bo = desk.ask("late"), desk.ask("cy"), desk.ask("bo")
        await settle()
        assert desk.line.lost() == ()
        place = desk.line.place(Holder("bo"))
        assert place is not None
        assert (place.position, place.since) == (1, NOON)
        desk.end(holder.result())
        desk.end(await bo)
        desk.end(await cy)
        assert (await late).holder == Holder("late")
        assert desk.waits() == []

    asyncio.run(story())


def test_after_a_restart_nobody_goes_by_those_who_have_not_yet_asked_again(
    sessions: Sessions,
) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        holder = desk.ask("ada")
        desk.ask("bo")
        await settle()
        # The card came free while no Hub was there.
        desk.ledger.end(holder.result().id, "stopped", desk.now)
        desk.begin()
        late = desk.ask("late")
        await settle()
        assert not late.done()
        bo = desk.ask("bo")
        await settle()
        assert bo.done()
        assert not late.done()
        late.cancel()
        await settle()

    asyncio.run(story())


def test_whoever_does_not_ask_again_loses_the_place(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        holder = desk.ask("ada")
        desk.ask("bo")
        await settle()
        desk.ledger.end(holder.result().id, "stopped", desk.now)
        desk.begin()
        late = desk.ask("late")
        await settle()
        desk.now += COMEBACK
        desk.line.wake()
        assert (await late).holder == Holder("late")
        desk.now = NOON + LOST
        clock = asyncio.ensure_future(desk.line.run())
        await settle()
        assert desk.waits() == []
        clock.cancel()
        await settle()

    asyncio.run(story())


def test_rows_stay_when_the_hub_ends_and_takes_all_starts_with_it(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        desk.ask("ada")
        waiting = desk.ask("bo")
        clock = asyncio.ensure_future(desk.line.run())
        await settle()
        clock.cancel()
        await settle()
        waiting.cancel()
        await settle()
        assert desk.waits() == ["bo"]

    asyncio.run(story())


def test_a_lost_place_can_be_given_up(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        desk.ask("ada")
        desk.ask("bo")
        await settle()
        desk.begin()
        desk.line.forget(Holder("bo"))
        assert desk.waits() == []
        assert desk.line.lost() == ()

    asyncio.run(story())


def a_lesson(starts_at: datetime) -> ReservationRow:
    return ReservationRow(
        title="Deep learning", group="ml101", flavour="whole", slots=1, starts_at=starts_at,
        ends_at=starts_at + 2 * HOUR, repeat="", zone="UTC", grace_minutes=15, by="root", at=NOON,
    )  # fmt: skip


def test_a_reserved_card_waits_for_its_group_and_says_so(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"), a_gpu("b"))
        desk.add(a_lesson(NOON))
        first, outsider = desk.ask("ada"), desk.ask("bo")
        await settle()
        assert first.done()
        assert not outsider.done()
        place = desk.line.place(Holder("bo"))
        assert place is not None
        assert place.why == (
            "1 of 2 GPUs is reserved for Deep learning until 14:00 (UTC), 1 is in use."
        )
        student = desk.ask("stu", groups=("ml101",))
        assert (await student).reservation == 1
        # Stu goes; for the grace the slot is kept, then it is everybody's.
        desk.end(student.result())
        await settle()
        assert not outsider.done()
        desk.now += timedelta(minutes=15)
        desk.line.wake()
        assert (await outsider).reservation == 0

    asyncio.run(story())


def test_a_student_who_comes_when_all_is_taken_is_first_in_the_line(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        first, outsider = desk.ask("ada"), desk.ask("bo")
        await settle()
        desk.now += HOUR
        desk.add(a_lesson(desk.now))
        student = desk.ask("stu", groups=("ml101",))
        await settle()
        places = [desk.line.place(Holder(user)) for user in ("stu", "bo")]
        assert [place and place.position for place in places] == [1, 2]
        desk.end(first.result())
        desk.end(await student)
        desk.now += 3 * HOUR
        desk.line.wake()
        assert (await outsider).holder == Holder("bo")

    asyncio.run(story())


def test_holders_of_what_a_lesson_needs_are_told_and_not_stopped(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"), a_gpu("b"))
        first = desk.ask("ada")
        await settle()
        desk.now += timedelta(minutes=1)
        second = desk.ask("bo")
        await settle()
        desk.add(a_lesson(desk.now + timedelta(minutes=20)))
        desk.now += timedelta(seconds=2)
        notices = NoticeTable(sessions=sessions)
        clock = asyncio.ensure_future(desk.line.run())
        await settle()
        (told,) = notices.live()
        assert (told.user, told.kind, told.stops_at) == ("ada", "reserved", None)
        assert told.sentence.startswith("Deep learning begins at 12:21 (UTC) and needs the GPU")
        assert len(desk.ledger.live()) == 2
        # Bo goes instead; Ada is asked no longer.
        desk.end(second.result())
        clock.cancel()
        await settle()
        clock = asyncio.ensure_future(desk.line.run())
        await settle()
        assert notices.live() == ()
        clock.cancel()
        await settle()
        assert first.result() in desk.ledger.live()

    asyncio.run(story())


def test_an_estimate_comes_from_how_long_servers_lasted(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        desk.add(
            *(
                ClaimRow(
                    id=f"c{n}", user="x", flavour="whole", granted_at=NOON - 5 * HOUR,
                    ready_at=NOON - 5 * HOUR, ended_at=NOON - 5 * HOUR + n * HOUR / 3,
                    why="stopped",
                )
                for n in range(1, 6)
            )
        )  # fmt: skip
        desk.ask("ada")
        for user in ("bo", "cy"):
            desk.ask(user)
        await settle()
        expected = [desk.line.place(Holder(user)) for user in ("bo", "cy")]
        assert [one and one.expected_at for one in expected] == [NOON + HOUR, NOON + 2 * HOUR]

    asyncio.run(story())


def test_what_no_device_would_ever_serve_is_refused(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a", health=Health.DRAINED))
        with pytest.raises(NoSuchGpu, match="no GPU that fits"):
            await desk.ask("ada", "pair")
        waiting = desk.ask("ada", "whole")
        await settle()
        place = desk.line.place(Holder("ada"))
        assert place is not None
        assert place.why == "The GPU is out of service."
        desk.stock.all = (a_gpu("a"),)
        desk.line.wake()
        assert (await waiting).uuids == ("a",)

    asyncio.run(story())


def test_the_places_of_the_first_are_stored_for_other_pages(sessions: Sessions) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        desk.ask("ada")
        desk.ask("bo")
        clock = asyncio.ensure_future(desk.line.run())
        await settle()
        with sessions() as db:
            row = db.scalars(select(WaitRow)).one()
            assert (row.user, row.position, row.why) == ("bo", 1, "The GPU is in use.")
        clock.cancel()
        await settle()

    asyncio.run(story())
