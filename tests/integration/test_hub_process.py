"""The Hub's background work: begun anew when it fails, ended with the Hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.hub import Hub, running_hub
from tests.support.waiting import wait_until

WORKS = """
import asyncio
from pathlib import Path

from machinelabs_hub import hub_process

NOTES = Path("notes")


def note(word):
    with NOTES.open("a") as notes:
        notes.write(word + "\\n")


async def steady(hub):
    note("steady of " + type(hub).__name__)
    try:
        await asyncio.Event().wait()
    finally:
        note("steady ended")


async def frail(hub):
    begun = NOTES.read_text().count("frail") if NOTES.exists() else 0
    note("frail")
    if not begun:
        raise RuntimeError("out of order")


c.SiteHub.background = {"steady": steady, "frail": frail}
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with running_hub(tmp_path_factory.mktemp("hub"), extra=WORKS) as hub:
        yield hub


def notes(hub: Hub) -> list[str]:
    path: Path = hub.data / "notes"
    return path.read_text(encoding="ascii").splitlines() if path.exists() else []


def test_a_work_that_fails_is_begun_anew_and_the_others_go_on(hub: Hub) -> None:
    wait_until(lambda: notes(hub).count("frail") == 2, seconds=15, what="the work begins anew")
    assert "out of order" in hub.log()
    assert notes(hub).count("steady of SiteHub") == 1
    assert hub.person("admin")["name"] == "admin", "the hub serves"


def test_no_work_outlives_the_hub(hub: Hub) -> None:
    hub.stop()
    assert notes(hub)[-1] == "steady ended"
    assert "Task was destroyed" not in hub.log()
