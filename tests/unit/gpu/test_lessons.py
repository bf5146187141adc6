"""What is reserved waits for its group, and whoever is in its way is told."""

import asyncio
from datetime import datetime, timedelta

from tests.support.gpus import NOON, a_gpu
from tests.support.line_desk import HOUR, Desk, settle

from machinelabs_hub.db.engine import Sessions
from machinelabs_hub.db.tables.orders import ReservationRow
from machinelabs_hub.gpu.model import Holder
from machinelabs_hub.plans.notices import NoticeTable


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
