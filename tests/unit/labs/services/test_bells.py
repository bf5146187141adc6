"""Who waits for a run is woken from any thread, and told whether its state changed."""

import asyncio
import threading

from machinelabs_hub.labs.services.bells import ALL, Bells


def test_a_listener_is_woken_from_another_thread_and_only_for_its_run() -> None:
    async def main() -> None:
        bells = Bells()
        with bells.listen(1) as mine, bells.listen(2) as other, bells.listen(ALL) as every:
            threading.Thread(target=bells.ring, args=(1,), kwargs={"state": False}).start()
            assert await mine.wait(5)
            assert not mine.take_state()
            assert not await other.wait(0.05)
            # What only its log tells of is nothing for who looks after all runs.
            assert not await every.wait(0.05)
            threading.Thread(target=bells.ring, args=(1,)).start()
            assert await every.wait(5)
            assert await mine.wait(5)
            assert (mine.take_state(), mine.take_state()) == (True, False)

    asyncio.run(main())


def test_what_rang_before_a_wait_is_not_missed_and_wakes_once() -> None:
    async def main() -> None:
        bells = Bells()
        with bells.listen(1) as bell:
            bells.ring(1)
            bells.ring(1)
            assert await bell.wait(5)
            assert not await bell.wait(0.05)

    asyncio.run(main())


def test_who_left_is_rung_for_no_more() -> None:
    async def main() -> None:
        bells = Bells()
        with bells.listen(1):
            pass
        bells.ring(1)

    asyncio.run(main())
