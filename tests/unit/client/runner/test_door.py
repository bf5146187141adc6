"""What the door of a run says while it is not open, and that it is asked anew."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from tests.support.places import free_port

from machinelabs.runner import door
from machinelabs.runner.code import Code
from machinelabs.runner.door import Door
from machinelabs.runner.probe import Probe

BASE = "/user/ada/run-1/"


class NoKernelYet:
    """Code whose kernel does not come."""

    asked = 0

    def kernel(self) -> None:
        self.asked += 1


async def page_at(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {BASE}door?key=x HTTP/1.1\r\n\r\n".encode())
    try:
        return (await reader.read()).decode()
    finally:
        writer.close()
        await writer.wait_closed()


async def until(port: int, true: Callable[[str], Any]) -> str:
    async with asyncio.timeout(30):
        while not true(page := await page_at(port)):  # noqa: ASYNC110 - a page tells nobody
            await asyncio.sleep(0.02)
    return page


async def test_a_door_to_which_no_kernel_comes_says_so_and_is_asked_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door, "KERNEL_SECONDS", 0.3)
    port, code = free_port(), NoKernelYet()
    probe = Probe(f"{BASE}api")
    await probe.start(port)
    one = Door(probe, BASE)
    one.lead_to(cast("Code", code))
    try:
        one.offer("a" * 64)
        page = await until(port, lambda said: "did not begin" in said)
        assert "choose <b>Look into it</b>" in page
        assert "One moment" not in page
        asked = code.asked
        one.offer("a" * 64)
        await asyncio.sleep(0)
        assert code.asked == asked, "the site names a key until it is used"
        monkeypatch.setattr(door, "KERNEL_SECONDS", 60.0)
        one.offer("b" * 64)
        await until(port, lambda said: "One moment" in said and code.asked > asked)
    finally:
        await one.close()
        probe.close()
