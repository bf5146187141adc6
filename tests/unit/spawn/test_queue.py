"""Starts take turns, first come first served, and a place that is given up is free at once."""

import asyncio

from machinelabs_hub.spawn.queue import StartQueue


def test_the_line_is_served_in_order() -> None:
    async def story() -> list[str]:
        queue, served = StartQueue(slots=1), []
        await queue.enter("first")

        async def wait(name: str) -> None:
            await queue.enter(name)
            served.append(name)
            queue.leave(name)

        tasks = [asyncio.ensure_future(wait(name)) for name in ("a", "b", "c")]
        await asyncio.sleep(0)
        assert [queue.place(name) for name in ("first", "a", "b", "c")] == [0, 1, 2, 3]
        queue.leave("first")
        await asyncio.gather(*tasks)
        return served

    assert asyncio.run(story()) == ["a", "b", "c"]


def test_who_is_cancelled_while_waiting_holds_nothing() -> None:
    async def story() -> None:
        queue = StartQueue(slots=1)
        await queue.enter("first")
        waiting = asyncio.ensure_future(queue.enter("impatient"))
        behind = asyncio.ensure_future(queue.enter("patient"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        assert queue.place("patient") == 1
        queue.leave("first")
        await asyncio.wait_for(behind, 1)

    asyncio.run(story())


def test_who_is_cancelled_just_as_the_turn_comes_passes_it_on() -> None:
    async def story() -> None:
        queue = StartQueue(slots=1)
        await queue.enter("first")
        unlucky = asyncio.ensure_future(queue.enter("unlucky"))
        behind = asyncio.ensure_future(queue.enter("next"))
        await asyncio.sleep(0)
        queue.leave("first")
        unlucky.cancel()
        await asyncio.wait_for(behind, 1)

    asyncio.run(story())


def test_leaving_twice_gives_one_turn_away() -> None:
    async def story() -> None:
        queue = StartQueue(slots=1)
        await queue.enter("first")
        one = asyncio.ensure_future(queue.enter("one"))
        other = asyncio.ensure_future(queue.enter("other"))
        await asyncio.sleep(0)
        queue.leave("first")
        queue.leave("first")
        await asyncio.sleep(0)
        assert one.done()
        assert not other.done()
        other.cancel()

    asyncio.run(story())
