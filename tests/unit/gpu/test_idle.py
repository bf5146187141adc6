"""A card that nothing works towards comes back; one that something works towards never does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from machinelabs_hub.gpu.idle import Did, Idleness, follow, judge

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
TICK = timedelta(seconds=5)
LIMIT = timedelta(minutes=30)
WARNING = timedelta(minutes=5)
SLACK = timedelta(seconds=60)

SERVER_CPU = 0.008
"""Cores that a Jupyter server takes with a window open and nothing to do."""
WINDOW_BYTES = 1_500
"""Bytes a second that such a window's questions take."""


@dataclass(frozen=True)
class Pace:
    """What a load does each second at a moment: SM percent, cores, bytes to disks and over nets."""

    sm: int = 0
    cores: float = 0.0
    io: float = 0.0
    net: float = 0.0


Load = Callable[[float], Pace]


def training_with_pauses(at: float) -> Pace:
    # Five minutes of steps, then ten minutes in which another program prepares the next round.
    return Pace(sm=90, cores=1.0) if at % 900 < 300 else Pace()


def data_loading(_at: float) -> Pace:
    return Pace(cores=0.03, io=400_000)


def long_processor_cell(_at: float) -> Pace:
    return Pace(cores=1.0)


def download_in_terminal(_at: float) -> Pace:
    return Pace(cores=0.01, net=80_000, io=80_000)


def job_in_terminal(_at: float) -> Pace:
    return Pace(cores=0.2)


def training_with_laptop_closed(_at: float) -> Pace:
    return Pace(sm=40, cores=0.9)


def forgotten_notebook(at: float) -> Pace:
    # An autosave every two minutes, of which each writes and sends a notebook of 200 kB.
    saves = at % 120 < TICK.total_seconds()
    return Pace(cores=0.02 if saves else 0, io=40_000 if saves else 0, net=40_000 if saves else 0)


def paused_debugger(_at: float) -> Pace:
    return Pace()


def never_used(_at: float) -> Pace:
    return Pace()


def looks(load: Load, hours: float) -> Iterator[tuple[datetime, Did]]:
    cpu = io = net = 0.0
    computed: datetime | None = None
    seconds = TICK.total_seconds()
    for number in range(int(hours * 3600 / seconds)):
        at = number * seconds
        pace = load(at)
        cpu += (pace.cores + SERVER_CPU) * seconds
        io += pace.io * seconds
        net += (pace.net + WINDOW_BYTES) * seconds
        now = BEGAN + timedelta(seconds=at)
        computed = now if pace.sm else computed
        yield now, Did(now, computed, cpu, int(io), int(net))


def stopped_at(load: Load, hours: float = 3) -> datetime | None:
    idleness: Idleness | None = None
    for now, seen in looks(load, hours):
        idleness = follow(idleness, seen, now)
        if judge(idleness.busy_at, limit=LIMIT, warning=WARNING, now=now).is_over:
            return now
    return None


@pytest.mark.parametrize(
    "load",
    [
        training_with_pauses,
        data_loading,
        long_processor_cell,
        download_in_terminal,
        job_in_terminal,
        training_with_laptop_closed,
    ],
)
def test_what_works_is_never_stopped(load: Load) -> None:
    assert stopped_at(load) is None


@pytest.mark.parametrize("load", [forgotten_notebook, paused_debugger, never_used])
def test_an_idle_card_is_back_within_the_limit_and_a_minute(load: Load) -> None:
    stopped = stopped_at(load)
    assert stopped is not None
    assert LIMIT <= stopped - BEGAN <= LIMIT + SLACK


def test_the_limit_counts_from_the_last_work() -> None:
    def load(at: float) -> Pace:
        return Pace(sm=80) if at < 3600 else Pace()

    stopped = stopped_at(load)
    assert stopped is not None
    assert LIMIT - TICK <= stopped - BEGAN - timedelta(hours=1) <= LIMIT + SLACK


def test_work_on_a_card_between_two_looks_is_work() -> None:
    idle = follow(None, Did(BEGAN, None, 1.0, 0, 0), BEGAN)
    burst, now = BEGAN + TICK / 2, BEGAN + TICK
    assert follow(idle, Did(now, burst, 1.0, 0, 0), now).busy_at == burst


def test_what_nobody_saw_counts_as_work() -> None:
    idle = follow(None, Did(BEGAN, None, 1.0, 0, 0), BEGAN)
    later = BEGAN + LIMIT
    assert follow(idle, None, later).busy_at == later
    away = follow(idle, None, later)
    back = later + TICK
    assert follow(away, Did(back, None, 1.0, 0, 0), back).busy_at == back


def test_the_same_sample_twice_says_nothing_new() -> None:
    idle = follow(None, Did(BEGAN, None, 1.0, 0, 0), BEGAN)
    assert follow(idle, Did(BEGAN, None, 1.0, 0, 0), BEGAN + TICK) == idle


def test_a_counter_that_fell_is_work() -> None:
    idle = follow(None, Did(BEGAN, None, 50.0, 0, 0), BEGAN)
    now = BEGAN + TICK
    assert follow(idle, Did(now, None, 1.0, 0, 0), now).busy_at == now


def test_a_machine_that_does_not_tell_a_counter_is_judged_by_the_others() -> None:
    idle = follow(None, Did(BEGAN, None, 1.0, None, None), BEGAN)
    now = BEGAN + TICK
    assert follow(idle, Did(now, None, 1.1, None, None), now).busy_at == BEGAN
    assert follow(idle, Did(now, None, 9.0, None, None), now).busy_at == now


def test_people_are_told_before_it_happens() -> None:
    def verdict(minutes: int) -> tuple[bool, bool]:
        found = judge(BEGAN, limit=LIMIT, warning=WARNING, now=BEGAN + timedelta(minutes=minutes))
        return found.is_told, found.is_over

    assert [verdict(minutes) for minutes in (24, 25, 29, 30)] == [
        (False, False), (True, False), (True, False), (True, True),
    ]  # fmt: skip
