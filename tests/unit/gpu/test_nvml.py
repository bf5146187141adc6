"""Cards, instances, processes and errors as NVIDIA's library tells them, through nvidia-ml-py."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from tests.support.fake_nvml import (
    DOUBLE_BIT,
    DRIVER_NOT_LOADED,
    GPU_IS_LOST,
    RESET_REQUIRED,
    UNKNOWN,
    VERSION_MISMATCH,
    FakeCard,
    FakeInstance,
    FakeNvml,
    FakeProcess,
)

from machinelabs_hub.gpu.nvml import Nvml, NvmlAway
from machinelabs_hub.gpu.reading import CardEvent, ProcessReading, Trouble


@pytest.fixture
def cards(nvml: FakeNvml) -> Iterator[Nvml]:
    opened = Nvml()
    yield opened
    opened.close()


def test_a_card_says_what_it_is_and_does(nvml: FakeNvml, cards: Nvml) -> None:
    nvml.cards = [
        FakeCard("GPU-a", total_mib=81559, used_mib=1200, sm=73, temperature=61, power=312)
    ]
    nvml.tell()
    reading = cards.read()
    assert (reading.driver, reading.cuda) == ("580.95.05", "13.0")
    (card,) = reading.cards
    assert (card.uuid, card.model, card.memory_mib) == ("GPU-a", "NVIDIA A100-SXM4-40GB", 81559)
    assert (card.sm_percent, card.memory_used_mib) == (73, 1200)
    assert (card.temperature_c, card.power_w) == (61, 312)
    assert not card.is_split


def test_what_a_card_does_not_tell_is_unknown(nvml: FakeNvml, cards: Nvml) -> None:
    nvml.cards = [FakeCard("GPU-a", power=0, ecc=0)]
    nvml.tell()
    (card,) = cards.read().cards
    assert card.power_w is None
    assert (card.uncorrected, card.remapping_failed) == (0, False)


def test_a_split_card_has_instances_with_profile_and_parent(nvml: FakeNvml, cards: Nvml) -> None:
    nvml.cards = [
        FakeCard(
            "GPU-a",
            mig=1,
            instances=[
                FakeInstance("MIG-1", "NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20096, 500, slices=3),
                FakeInstance("MIG-0", "", 0, slices=0),
                FakeInstance(
                    "MIG-2", "NVIDIA A100", 9728, processes=[FakeProcess(71, memory_mib=640)]
                ),
            ],
        ),
        FakeCard("GPU-b"),
    ]
    nvml.tell()
    whole, first, second, other = cards.read().cards
    assert (whole.uuid, whole.is_split, whole.sm_percent) == ("GPU-a", True, None)
    assert (first.uuid, first.parent, first.profile) == ("MIG-1", "GPU-a", "3g.20gb")
    assert (first.model, first.memory_mib, first.memory_used_mib) == (
        "NVIDIA A100-SXM4-40GB",
        20096,
        500,
    )
    # A driver that does not say the profile in the name: it is made of slices and memory.
    assert second.profile == "1g.10gb"
    # The driver tells no SM use by process in an instance: unknown, not idle.
    assert second.processes == (ProcessReading(71, 640, None),)
    assert (other.uuid, other.is_split) == ("GPU-b", False)


def test_what_an_instance_computes_is_told_where_the_driver_knows(
    nvml: FakeNvml, cards: Nvml
) -> None:
    busy = FakeInstance("MIG-1", "H100 MIG 1g.10gb", 9728, sm=64, processes=[FakeProcess(71)])
    idle = FakeInstance("MIG-2", "H100 MIG 1g.10gb", 9728, instance=2)
    idle.processes = [FakeProcess(72), FakeProcess(73)]
    nvml.cards = [FakeCard("GPU-a", mig=1, gpm=1, instances=[busy, idle])]
    nvml.tell()
    # It is told between two looks; after the first one nothing is known yet.
    assert [card.sm_percent for card in cards.read().cards] == [None, None, None]
    _, first, second = cards.read().cards
    assert (first.sm_percent, second.sm_percent) == (64, 0)
    assert [row.sm_percent for row in first.processes] == [64]
    assert [row.sm_percent for row in second.processes] == [0, 0]
    # Who of two it is is not told.
    idle.sm = 30
    nvml.tell()
    assert [row.sm_percent for row in cards.read().cards[2].processes] == [None, None]


def test_processes_are_told_with_memory_and_use_and_idle_ones_have_none(
    nvml: FakeNvml, cards: Nvml
) -> None:
    busy = FakeProcess(11, memory_mib=2048, sm=88)
    nvml.cards = [FakeCard("GPU-a", processes=[busy, FakeProcess(12, memory_mib=512)])]
    nvml.tell()
    assert cards.read().cards[0].processes == (
        ProcessReading(11, 2048, 88),
        ProcessReading(12, 512, 0),
    )
    busy.sm = 0
    nvml.tell()
    assert [row.sm_percent for row in cards.read().cards[0].processes] == [0, 0]


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (GPU_IS_LOST, Trouble.LOST),
        (RESET_REQUIRED, Trouble.RESET_REQUIRED),
        (UNKNOWN, Trouble.SILENT),
    ],
)
@pytest.mark.parametrize("where", ["error", "handle_error"])
def test_a_card_in_trouble_is_still_named_and_the_others_are_read(
    nvml: FakeNvml, cards: Nvml, error: int, trouble: Trouble, where: str
) -> None:
    nvml.cards = [
        FakeCard("GPU-a", mig=1, instances=[FakeInstance("MIG-1", "A MIG 1g.5gb", 4864)]),
        FakeCard("GPU-b", sm=40),
    ]
    nvml.tell()
    cards.read()
    setattr(nvml.cards[0], where, error)
    nvml.tell()
    assert [(card.uuid, card.trouble, card.sm_percent) for card in cards.read().cards] == [
        ("GPU-a", trouble, None),
        ("MIG-1", trouble, None),
        ("GPU-b", None, 40),
    ]


def test_a_card_that_never_answered_is_told_of(nvml: FakeNvml, cards: Nvml) -> None:
    nvml.cards = [FakeCard("GPU-a", handle_error=GPU_IS_LOST), FakeCard("GPU-b")]
    nvml.tell()
    reading = cards.read()
    assert [card.uuid for card in reading.cards] == ["GPU-b"]
    assert reading.silent == ("Card 0 does not answer.",)


def test_memory_that_cannot_be_mended_is_told(nvml: FakeNvml, cards: Nvml) -> None:
    nvml.cards = [FakeCard("GPU-a", uncorrected=2, remap_failed=1, recovery=4)]
    nvml.tell()
    (card,) = cards.read().cards
    assert (card.uncorrected, card.remapping_failed, card.recovery) == (2, True, 4)


def test_an_error_of_a_card_ends_the_wait_at_once(nvml: FakeNvml, cards: Nvml) -> None:
    nvml.cards = [FakeCard("GPU-a"), FakeCard("GPU-b")]
    nvml.happen(0, 79)
    # It has no past: what happened before it was opened is not told again.
    cards.read()
    threading.Timer(0.2, nvml.happen, (1, 79)).start()
    began = time.monotonic()
    assert cards.wait(5) == CardEvent("GPU-b", 79)
    assert time.monotonic() - began < 2
    nvml.cards[0].error = GPU_IS_LOST
    nvml.happen(0, kind=DOUBLE_BIT)
    assert cards.wait(5) == CardEvent("GPU-a", 0)
    began = time.monotonic()
    assert cards.wait(0.1) is None
    assert time.monotonic() - began >= 0.1


def test_a_driver_that_goes_and_comes_is_asked_again(nvml: FakeNvml, cards: Nvml) -> None:
    nvml.cards = [FakeCard("GPU-a")]
    nvml.tell()
    cards.read()
    nvml.any_error = nvml.init_error = DRIVER_NOT_LOADED
    nvml.tell()
    with pytest.raises(NvmlAway, match="driver is not loaded") as away:
        cards.read()
    assert not away.value.is_outdated
    nvml.any_error, nvml.init_error = 0, VERSION_MISMATCH
    nvml.tell()
    with pytest.raises(NvmlAway, match="differ in version") as away:
        cards.read()
    assert away.value.is_outdated
    nvml.init_error, nvml.driver = 0, "590.1"
    nvml.tell()
    assert cards.read().driver == "590.1"
    # It watches again, too.
    nvml.happen(0, 48)
    assert cards.wait(2) == CardEvent("GPU-a", 48)


def test_a_machine_without_the_library_says_so() -> None:
    said = """
from machinelabs_hub.gpu import nvml
print(nvml.is_installed())
try:
    nvml.Nvml().read()
except nvml.NvmlAway as away:
    print(away)
"""
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    installed, *rest = done.stdout.splitlines()
    if installed == "True":
        pytest.skip("this machine has NVIDIA's library")
    assert rest == ["NVIDIA's library is not installed on this machine."]


def test_the_library_is_found_where_it_is(nvml: FakeNvml) -> None:
    said = "from machinelabs_hub.gpu import nvml; print(nvml.is_installed())"
    done = subprocess.run(
        [sys.executable, "-c", said],
        env=nvml.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True"
