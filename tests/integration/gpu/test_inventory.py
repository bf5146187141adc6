"""The Hub's inventory: a real sampler, a real database, admins' orders, and restarts of each."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from tests.support.fake_nvml import DRIVER_NOT_LOADED, FakeCard, FakeInstance, FakeNvml
from tests.support.sampler import RunningSampler, running_sampler, settings_in
from tests.support.waiting import wait_until

from machinelabs_hub.db.engine import Sessions
from machinelabs_hub.db.tables.gpus import CardRow
from machinelabs_hub.db.tables.orders import DrainRow, ReturnRow
from machinelabs_hub.gpu.inventory import STALE, Inventory
from machinelabs_hub.gpu.model import Gpu, Health
from machinelabs_hub.gpu_settings import Card, Gpus, GpuSource
from machinelabs_hub.settings import Settings


@pytest.fixture
def tables(sessions: Sessions) -> Sessions:
    """The database, without what other tests wrote."""
    with sessions() as db:
        for table in (CardRow, DrainRow, ReturnRow):
            db.execute(delete(table))
    return sessions


@pytest.fixture
def inventory(sampler: RunningSampler, tables: Sessions) -> Inventory:
    return Inventory(settings=sampler.settings, sessions=tables)


def now() -> datetime:
    return datetime.now(UTC)


def health(inventory: Inventory) -> dict[str, Health]:
    return {gpu.uuid: gpu.health for gpu in inventory.devices()}


def rows(sessions: Sessions) -> dict[str, CardRow]:
    with sessions() as db:
        return {row.uuid: row for row in db.scalars(select(CardRow))}


def write(sessions: Sessions, *given: Any) -> None:
    with sessions() as db:
        for row in given:
            db.merge(row)


def with_gpus(settings: Settings, gpus: Gpus) -> Settings:
    return settings.model_copy(update={"gpus": gpus})


async def test_the_sampler_s_cards_are_the_site_s_and_are_written_down(
    nvml: FakeNvml, sampler: RunningSampler, inventory: Inventory, tables: Sessions
) -> None:
    nvml.cards[1].mig = 1
    nvml.cards[1].instances = [FakeInstance("MIG-1", "NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20096)]
    nvml.tell()
    sampler.next_sample()
    at = now()
    await inventory.refresh(at)
    assert inventory.devices() == (
        Gpu("GPU-a", "NVIDIA A100-SXM4-40GB", 40960),
        Gpu("MIG-1", "NVIDIA A100-SXM4-40GB", 20096, parent="GPU-b", profile="3g.20gb"),
    )
    found = rows(tables)
    assert set(found) == {"GPU-a", "MIG-1"}
    row = found["MIG-1"]
    assert (row.parent, row.profile, row.memory_mib, row.health) == (
        "GPU-b",
        "3g.20gb",
        20096,
        "ok",
    )
    assert (row.changed_at, row.seen_at) == (at, at)
    sample = inventory.sample()
    assert sample is not None
    assert sample.driver == "580.95.05"
    # The card is whole again: its instance is not there any more.
    nvml.cards[1].mig, nvml.cards[1].instances = 0, []
    nvml.tell()
    sampler.next_sample()
    await inventory.refresh(at + timedelta(minutes=1))
    assert set(rows(tables)) == {"GPU-a", "GPU-b"}


async def test_a_card_that_fails_is_known_within_thirty_seconds_and_over_restarts(
    nvml: FakeNvml, sampler: RunningSampler, inventory: Inventory, tables: Sessions, tmp_path: Path
) -> None:
    await inventory.refresh(now())
    began = now()
    nvml.happen(0, 79)
    wait_until(
        lambda: sampler.sample().cards[0].health is Health.FAILED, seconds=10, what="a failure"
    )
    await inventory.refresh(now())
    assert now() - began < timedelta(seconds=30)
    assert health(inventory) == {"GPU-a": Health.FAILED, "GPU-b": Health.OK}
    row = rows(tables)["GPU-a"]
    assert (row.health, row.why) == ("failed", "Xid 79: it has fallen off the bus.")
    # The Hub starts anew, and so does the sampler, which knows nothing of the error any more.
    sampler.process.terminate()
    sampler.process.wait()
    later = Inventory(settings=sampler.settings, sessions=tables)
    assert health(later) == {"GPU-a": Health.FAILED, "GPU-b": Health.OK}
    with running_sampler(tmp_path / "site", nvml.environment) as again:
        assert again.next_sample().cards[0].health is Health.OK
        await later.refresh(now())
        assert health(later) == {"GPU-a": Health.FAILED, "GPU-b": Health.OK}
        write(tables, ReturnRow(uuid="GPU-a", by="admin", at=now()))
        await later.refresh(now())
        assert health(later) == {"GPU-a": Health.OK, "GPU-b": Health.OK}
        assert rows(tables)["GPU-a"].health == "ok"
        # It fails for the next error, whatever was said before.
        nvml.happen(0, 95)
        wait_until(
            lambda: again.sample().cards[0].health is Health.FAILED, seconds=10, what="a failure"
        )
        await later.refresh(now())
        assert health(later)["GPU-a"] is Health.FAILED


async def test_an_admin_drains_a_card_and_takes_it_back(
    inventory: Inventory, tables: Sessions
) -> None:
    write(tables, DrainRow(uuid="GPU-b", why="A new fan.", by="admin", at=now()))
    await inventory.refresh(now())
    drained = inventory.devices()[1]
    assert (drained.uuid, drained.health, drained.why) == ("GPU-b", Health.DRAINED, "A new fan.")
    with tables() as db:
        db.execute(delete(DrainRow))
    await inventory.refresh(now())
    assert health(inventory) == {"GPU-a": Health.OK, "GPU-b": Health.OK}


async def test_a_sampler_that_is_away_changes_nothing_but_what_is_known_of_now(
    sampler: RunningSampler, tables: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [now()]
    inventory = Inventory(settings=sampler.settings, sessions=tables, clock=lambda: clock[0])
    await inventory.refresh(clock[0])
    before = inventory.devices()
    assert before
    sampler.process.terminate()
    sampler.process.wait()
    for _ in range(3):
        clock[0] += STALE / 2
        await inventory.refresh(clock[0])
    assert inventory.devices() == before
    assert inventory.sample() is None
    # Said once, not each time.
    assert caplog.text.count("cannot be seen now") == 1


async def test_a_driver_that_is_away_changes_nothing(
    nvml: FakeNvml, sampler: RunningSampler, inventory: Inventory
) -> None:
    await inventory.refresh(now())
    nvml.any_error = nvml.init_error = DRIVER_NOT_LOADED
    nvml.tell()
    sampler.next_sample()
    await inventory.refresh(now() + timedelta(minutes=5))
    assert health(inventory) == {"GPU-a": Health.OK, "GPU-b": Health.OK}


async def test_a_card_that_vanishes_is_not_handed_out(
    nvml: FakeNvml, sampler: RunningSampler, inventory: Inventory
) -> None:
    await inventory.refresh(now())
    del nvml.cards[1]
    nvml.tell()
    sampler.next_sample()
    await inventory.refresh(now() + timedelta(seconds=11))
    assert health(inventory) == {"GPU-a": Health.OK, "GPU-b": Health.FAILED}


async def test_a_static_list_needs_no_sampler(tmp_path: Path, tables: Sessions) -> None:
    settings = settings_in(tmp_path / "site")
    rows_of = (Card(uuid="GPU-x", memory_mib=24000, model="RTX 3090"),)
    listed = with_gpus(settings, Gpus(source=GpuSource.STATIC, cards=rows_of))
    inventory = Inventory(settings=listed, sessions=tables)
    await inventory.refresh(now())
    assert inventory.devices() == (Gpu("GPU-x", "RTX 3090", 24000),)
    assert inventory.sample() is None
    assert set(rows(tables)) == {"GPU-x"}
    off = Inventory(settings=with_gpus(settings, Gpus(source=GpuSource.OFF)), sessions=tables)
    await off.refresh(now())
    assert off.devices() == ()
    assert rows(tables) == {}


async def test_a_machine_without_cards_has_none_and_says_nothing(
    tmp_path: Path, tables: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    inventory = Inventory(settings=settings_in(tmp_path / "site"), sessions=tables)
    await inventory.refresh(now())
    assert inventory.devices() == ()
    assert caplog.text == ""


async def test_a_card_is_not_written_again_and_again(
    inventory: Inventory, tables: Sessions, sampler: RunningSampler
) -> None:
    await inventory.refresh(now())
    before = tables.changes
    await inventory.refresh(now() + timedelta(seconds=5))
    assert tables.changes == before
    await inventory.refresh(now() + timedelta(minutes=2))
    assert tables.changes == before + 1


async def test_cards_that_were_there_before_the_hub_are_there_at_once(
    sampler: RunningSampler, tables: Sessions, nvml: FakeNvml
) -> None:
    nvml.cards.append(FakeCard("GPU-c", total_mib=81559))
    nvml.tell()
    sampler.next_sample()
    first = Inventory(settings=sampler.settings, sessions=tables)
    await first.refresh(now())
    assert set(Inventory(settings=sampler.settings, sessions=tables).devices()) == set(
        first.devices()
    )
