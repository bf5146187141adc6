"""The sampler as a process: what it answers, to whom, and what it lives through."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from tests.support.fake_nvml import (
    DRIVER_NOT_LOADED,
    GPU_IS_LOST,
    VERSION_MISMATCH,
    FakeInstance,
    FakeNvml,
    FakeProcess,
)
from tests.support.sampler import RunningSampler, running_sampler
from tests.support.spinner import spinner
from tests.support.waiting import wait_until

from machinelabs_hub.gpu.model import Health
from machinelabs_hub.gpu.sampling import SamplerAway, SamplerClient
from machinelabs_hub.sites import Addresses

MOST_MIB = 75
MOST_CPU_PERCENT = 3


@pytest.fixture
def idle() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of this machine, in no container."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def test_a_sample_says_what_the_cards_are_and_do(
    nvml: FakeNvml, sampler: RunningSampler, idle: "subprocess.Popen[bytes]"
) -> None:
    nvml.cards[0].sm, nvml.cards[0].used_mib = 42, 2048
    nvml.cards[0].processes = [FakeProcess(idle.pid, memory_mib=1024, sm=40)]
    nvml.cards[1].mig = 1
    nvml.cards[1].instances = [FakeInstance("MIG-1", "NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20096)]
    nvml.tell()
    sample = sampler.next_sample()
    assert (sample.driver, sample.cuda, sample.fault, sample.is_told) == (
        "580.95.05",
        "13.0",
        "",
        True,
    )
    first, second, instance = sample.cards
    assert (first.uuid, first.sm_percent, first.memory_used_mib) == ("GPU-a", 42, 2048)
    assert (second.uuid, second.is_split) == ("GPU-b", True)
    assert (instance.uuid, instance.parent, instance.profile) == ("MIG-1", "GPU-b", "3g.20gb")
    (process,) = sample.others
    assert (process.pid, process.uuid, process.memory_mib, process.sm_percent, process.name) == (
        idle.pid,
        "GPU-a",
        1024,
        40,
        "sleep",
    )


@pytest.mark.engine
def test_a_process_is_told_with_its_container_and_what_that_used(
    nvml: FakeNvml, sampler: RunningSampler, tmp_path: Path
) -> None:
    with spinner(tmp_path) as spun:
        container = spun.container
        nvml.cards[1].processes = [FakeProcess(spun.pid, memory_mib=700, sm=55)]
        nvml.tell()
        before = sampler.next_sample().containers[container]
        after = sampler.next_sample().containers[container]
        (process,) = after.processes
        assert (process.uuid, process.memory_mib, process.sm_percent) == ("GPU-b", 700, 55)
        assert (process.pid, process.inside_pid, process.name) == (spun.pid, 1, "spinner")
        assert before.cpu_seconds is not None
        assert after.cpu_seconds is not None
        assert after.cpu_seconds - before.cpu_seconds > 0
        assert after.net_bytes is not None
        assert after.io_bytes is not None
        assert after.computed_at is not None
        (*_, point) = sampler.client.container(container, seconds=600).points
        assert (point.sm_percent, point.memory_mib) == (55, 700)
        assert point.cpu_percent is not None
        assert 0 < point.cpu_percent < 80
        on = [sampler.client.container(container, uuid=f"GPU-{card}", seconds=600) for card in "ab"]
        assert on[0].points == ()
        assert on[1].points[-1].sm_percent == 55
        # Who looks more seldom than the sampler sees work that is over, too.
        nvml.cards[1].processes[0].sm = 0
        nvml.tell()
        idle = sampler.next_sample().containers[container]
        assert idle.processes[0].sm_percent == 0
        assert idle.computed_at is not None
        assert after.computed_at <= idle.computed_at < sampler.sample().at
        assert sampler.next_sample().containers[container].computed_at == idle.computed_at
    wait_until(
        lambda: container not in sampler.sample().containers, seconds=10, what="it to be gone"
    )


def test_who_has_no_token_is_refused(sampler: RunningSampler) -> None:
    url = Addresses(sampler.settings).sampler_local
    for said in (b"", b"Bearer wrong", "Bearer ä".encode()):
        for path in ("/sample", "/history?uuid=GPU-a"):
            headers = {b"Authorization": said} if said else {}
            answer = httpx.get(f"{url}{path}", headers=headers, trust_env=False)
            assert answer.status_code == 403
            assert answer.json()["code"] == "not_allowed"


@pytest.mark.parametrize(
    "asked", ["", "?seconds=9", "?uuid=GPU-a&seconds=x", "?uuid=GPU-a&seconds=-1"]
)
def test_a_question_for_the_past_that_says_nothing_is_refused(
    sampler: RunningSampler, asked: str
) -> None:
    answer = sampler.client._http.get(f"/history{asked}")
    assert answer.status_code == 422
    assert "seconds" in answer.json()["message"]


def test_the_past_of_a_card_is_kept(nvml: FakeNvml, sampler: RunningSampler) -> None:
    nvml.cards[0].sm = 80
    nvml.tell()
    sampler.next_sample()
    points = sampler.client.card("GPU-a", seconds=60).points
    assert points[0].sm_percent == 0
    assert (points[-1].sm_percent, points[-1].temperature_c, points[-1].power_w) == (80, 35, 60)
    assert points[-1].at > points[0].at
    assert sampler.client.card("GPU-a", seconds=0).points == ()
    assert sampler.client.card("GPU-none", seconds=60).points == ()


def test_an_error_that_ends_a_card_is_told_at_once(nvml: FakeNvml, tmp_path: Path) -> None:
    with running_sampler(tmp_path / "site", nvml.environment, interval=60) as sampler:
        nvml.happen(0, 31)
        nvml.happen(1, 79)
        wait_until(
            lambda: sampler.sample().cards[1].health is Health.FAILED, seconds=5, what="a failure"
        )
        first, second = sampler.sample().cards
        assert (first.health, first.why) == (Health.OK, "")
        assert second.why == "Xid 79: it has fallen off the bus."
        assert "GPU-a reported Xid 31 (harmless)" in sampler.log.read_text()


def test_a_lost_card_fails_while_the_other_is_read_on(
    nvml: FakeNvml, sampler: RunningSampler
) -> None:
    sampler.next_sample()
    nvml.cards[0].handle_error = GPU_IS_LOST
    nvml.cards[1].sm = 7
    nvml.tell()
    sample = sampler.next_sample()
    assert [(card.uuid, card.health, card.sm_percent) for card in sample.cards] == [
        ("GPU-a", Health.FAILED, None),
        ("GPU-b", Health.OK, 7),
    ]
    assert sample.cards[0].failed_at == sample.at


def test_a_driver_that_is_away_is_told_of_and_makes_no_card_fail(
    nvml: FakeNvml, sampler: RunningSampler
) -> None:
    sampler.next_sample()
    nvml.any_error = nvml.init_error = DRIVER_NOT_LOADED
    nvml.tell()
    away = sampler.next_sample()
    assert (away.is_told, away.fault) == (False, "NVIDIA's driver is not loaded.")
    assert [(card.uuid, card.health, card.memory_used_mib) for card in away.cards] == [
        ("GPU-a", Health.OK, None),
        ("GPU-b", Health.OK, None),
    ]
    nvml.any_error = nvml.init_error = 0
    nvml.tell()
    back = sampler.next_sample()
    assert (back.is_told, back.fault, back.cards[0].memory_used_mib) == (True, "", 0)
    # Errors are heard again, too.
    nvml.happen(0, 48)
    wait_until(
        lambda: sampler.sample().cards[0].health is Health.FAILED, seconds=5, what="a failed card"
    )


def test_a_library_that_hangs_is_told_of_and_the_last_is_still_known(
    nvml: FakeNvml, sampler: RunningSampler
) -> None:
    nvml.hangs = 1
    nvml.tell()
    wait_until(lambda: not sampler.sample().is_told, seconds=20, what="the hang to be told")
    hung = sampler.sample()
    assert "has not come back for" in hung.fault
    assert [card.uuid for card in hung.cards] == ["GPU-a", "GPU-b"]
    nvml.hangs = 0
    nvml.tell()
    wait_until(lambda: sampler.sample().is_told, seconds=5, what="the library to come back")


def test_a_driver_of_another_version_needs_a_new_process(
    nvml: FakeNvml, sampler: RunningSampler
) -> None:
    sampler.next_sample()
    nvml.any_error = nvml.init_error = VERSION_MISMATCH
    nvml.tell()
    assert sampler.process.wait(timeout=10) == 0
    assert "starts anew" in sampler.log.read_text()


def test_a_new_process_stays_where_the_versions_differ_from_the_start(
    nvml: FakeNvml, tmp_path: Path
) -> None:
    nvml.any_error = nvml.init_error = VERSION_MISMATCH
    nvml.tell()
    with running_sampler(tmp_path / "site", nvml.environment) as sampler:
        assert "differ in version" in sampler.next_sample().fault
        assert sampler.process.poll() is None


def test_a_sampler_that_does_not_run_is_away(sampler: RunningSampler) -> None:
    client = SamplerClient(sampler.settings)
    sampler.process.terminate()
    sampler.process.wait()
    with pytest.raises(SamplerAway, match="cannot be seen now"):
        client.sample()


def test_it_costs_little(slow_sampler: RunningSampler) -> None:
    sampler = slow_sampler
    process = psutil.Process(sampler.process.pid)
    sampler.next_sample()
    before, began = process.cpu_times(), time.monotonic()
    sample = sampler.sample()
    time.sleep(6)
    after = process.cpu_times()
    seconds = time.monotonic() - began
    used = 100 * (after.user + after.system - before.user - before.system) / seconds
    mib = process.memory_info().rss / 2**20
    print(f"sampler: {mib:.0f} MiB, {used:.1f} % of a core, {len(sample.containers)} containers")
    assert mib < MOST_MIB
    assert used < MOST_CPU_PERCENT
