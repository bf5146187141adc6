"""The sweep of servers of runs that nobody looks after."""

import logging
from pathlib import Path

import pytest
from tests.support.labs_service import labs_server

from machinelabs_hub.labs.hubapi import HubApi, HubAway
from machinelabs_hub.labs.services import run_strays


class Stubborn(HubApi):
    """A Hub with three servers of no run, of which one will not go."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    async def run_servers(self) -> tuple[tuple[str, str], ...]:
        return (("ada", "run-1"), ("bob", "run-2"), ("eve", "run-3"))

    async def remove(self, user: str, server: str) -> None:
        if user == "ada":
            raise HubAway
        self.removed.append(f"{user}/{server}")


async def test_a_server_that_will_not_go_keeps_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hub = Stubborn()
    with labs_server(tmp_path / "data") as server, caplog.at_level(logging.WARNING):
        assert await run_strays.sweep(server.tools, hub) == 2
    assert hub.removed == ["bob/run-2", "eve/run-3"]
    assert "run-1 of ada was not removed: The hub does not answer now" in caplog.text
