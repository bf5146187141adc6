"""The sampler over a real card and NVIDIA's own library."""

import os
import time

import pytest
from tests.gpu.conftest import Figure
from tests.support import nvidia_smi
from tests.support.sampler import RunningSampler
from tests.support.torch_work import BUSY, IDLE, TRAIN, Work, working
from tests.support.waiting import wait_until

from machinelabs_hub.gpu.model import Health
from machinelabs_hub.gpu.sample import ProcessSample

pytestmark = pytest.mark.gpu

CLOSE = 0.05
SECONDS = 10


def on_card(sampler: RunningSampler, work: Work) -> ProcessSample | None:
    """Return the process of the work as the sampler sees it."""
    sample = sampler.sample()
    inside = (row for container in sample.containers.values() for row in container.processes)
    return next((row for row in (*sample.others, *inside) if row.pid == work.pid), None)


def seen(sampler: RunningSampler, work: Work) -> ProcessSample:
    """Wait until it is seen; skip where the driver numbers processes otherwise than we see them."""
    try:
        wait_until(lambda: on_card(sampler, work), seconds=SECONDS, what="the process")
    except AssertionError:
        sample = sampler.sample()
        pids = {row.pid for row in sample.others}
        if not pids or any(not os.path.exists(f"/proc/{pid}") for pid in pids):  # noqa: PTH110
            pytest.skip(
                "the driver's process numbers are not this machine's (we are in a container)"
            )
        raise
    found = on_card(sampler, work)
    assert found is not None
    return found


def test_the_inventory_is_what_nvidia_smi_says(sampler: RunningSampler, figure: Figure) -> None:
    said, sample = nvidia_smi.asked(), sampler.next_sample()
    assert (sample.driver, sample.cuda, sample.fault) == (said.driver, said.cuda, "")
    cards = [card for card in sample.cards if not card.parent]
    assert [(card.uuid, card.model, card.memory_mib, card.is_split) for card in cards] == [
        (card.uuid, card.name, card.memory_mib, card.is_split) for card in said.cards
    ]
    instances = [card.uuid for card in sample.cards if card.parent]
    assert sorted(instances) == sorted(nvidia_smi.instances())
    figure(f"{len(cards)} cards, {len(instances)} instances")


def test_a_card_that_works_is_well_and_tells_its_figures(sampler: RunningSampler) -> None:
    for card in sampler.next_sample().cards:
        assert (card.health, card.why) == (Health.OK, "")
        assert card.memory_used_mib is not None
        if not card.parent:
            assert card.temperature_c is not None
            assert 0 < card.temperature_c < 120


def test_memory_by_process_is_what_torch_holds_and_the_context(
    sampler: RunningSampler, python: str, figure: Figure
) -> None:
    with working(python, IDLE) as bare, working(python, IDLE, mib=2048) as full:
        alone = seen(sampler, bare).memory_mib
        together = seen(sampler, full).memory_mib
        assert alone is not None
        assert together is not None
        context = alone - bare.reserved_mib
        wanted = full.reserved_mib + context
        off = abs(together - wanted) / wanted
        figure(
            f"{together} MiB against {wanted:.0f} ({context:.0f} context): {100 * off:.1f} % off"
        )
        assert off < CLOSE


def test_use_tells_a_busy_process_from_an_idle_one(
    sampler: RunningSampler, python: str, figure: Figure
) -> None:
    with working(python, IDLE, mib=64) as idle, working(python, BUSY) as busy:
        if seen(sampler, busy).sm_percent is None:
            pytest.skip("this driver tells no use by process (MIG)")
        began = time.monotonic()
        wait_until(lambda: (seen(sampler, busy).sm_percent or 0) > 20, seconds=SECONDS, what="use")
        seconds = time.monotonic() - began
        at_work, at_rest = seen(sampler, busy).sm_percent, seen(sampler, idle).sm_percent
        figure(f"{at_work} % against {at_rest} %, after {seconds:.1f} s")
        assert at_rest is not None
        assert at_rest < 5


def test_a_training_shows_in_the_data(sampler: RunningSampler, python: str, figure: Figure) -> None:
    with working(python, TRAIN, seconds=15) as training:
        first, last = map(float, training.said().split())
    assert last < first / 2
    cards = [card.uuid for card in sampler.next_sample().cards if not card.is_split]
    past = [sampler.client.card(uuid, seconds=20).points for uuid in cards]
    uses = [point.sm_percent or 0 for points in past for point in points]
    memory = [point.memory_used_mib or 0 for points in past for point in points]
    figure(f"loss {first:.3f} to {last:.3f}, use up to {max(uses):.0f} %, {max(memory):.0f} MiB")
    assert max(uses) > 20
    assert max(memory) > 300
