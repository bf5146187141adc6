"""The line: who asks gets a claim or waits in SQL, and is woken when it is their turn."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.support.gpus import NOON, a_gpu
from tests.support.line_desk import HOUR, WANTS, Desk, settle

from machinelabs_hub.db.engine import Sessions
from machinelabs_hub.db.tables.gpus import ClaimRow, WaitRow
from machinelabs_hub.db.tables.usage import UsageRow
from machinelabs_hub.gpu.model import Ask, Health, Holder
from machinelabs_hub.gpu.queue import COMEBACK, LOST, NoSuchGpu


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


def test_how_long_a_start_stood_in_line_is_kept_with_its_claim_over_a_restart_too(
    sessions: Sessions,
) -> None:
    async def story() -> None:
        desk = Desk(sessions, a_gpu("a"))
        first = desk.ask("ada")
        waiting = desk.ask("bo")
        await settle()
        desk.now += HOUR
        clock = asyncio.ensure_future(desk.line.run())
        await settle()
        clock.cancel()
        await settle()
        waiting.cancel()
        await settle()
        desk.begin()
        again = desk.ask("bo")
        await settle()
        desk.now += timedelta(minutes=1)
        desk.end(first.result())
        await again
        with sessions() as db:
            rows = db.scalars(select(ClaimRow))
            assert {row.user: row.waited_seconds for row in rows} == {"ada": 0.0, "bo": 3660.0}

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
