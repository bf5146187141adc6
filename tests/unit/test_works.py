"""Works beside a server: kept going whatever happens to them, gone with their process."""

import asyncio
import logging

import pytest

from machinelabs_hub.works import kept

LOG = logging.getLogger("works-of-a-test")


async def test_a_work_that_fails_is_begun_anew_and_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, is_well = 0, asyncio.Event()

    async def frail() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise ZeroDivisionError("nobody thought of it")
        is_well.set()
        await asyncio.Event().wait()

    async with kept({"counting": frail}, LOG, pause=0.01):
        async with asyncio.timeout(5):
            await is_well.wait()
    assert begun == 3
    assert [record.getMessage() for record in caplog.records] == [
        "counting failed; it begins anew in 0.01 seconds"
    ] * 2
    assert "nobody thought of it" in caplog.text


async def test_one_that_fails_leaves_the_others_alone_and_none_outlives_the_block() -> None:
    ended, goes_on = [], asyncio.Event()

    async def steady() -> None:
        goes_on.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append("steady")

    async def frail() -> None:
        raise ZeroDivisionError

    async def process() -> None:
        async with kept({"steady": steady, "frail": frail}, LOG, pause=60):
            await goes_on.wait()
            raise KeyError

    with pytest.raises(KeyError):
        await process()
    assert ended == ["steady"]
