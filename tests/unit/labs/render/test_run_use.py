"""What a run used over hours, in as many points as a plot needs."""

from datetime import UTC, datetime, timedelta

from machinelabs_hub.labs.render.run_use import Uses

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def at(second: int) -> str:
    return (BEGIN + timedelta(seconds=second)).isoformat()


def test_points_stay_few_in_order_and_keep_the_highest_of_each_stretch() -> None:
    uses = Uses(most=100)
    for second in range(20_000):
        peak = 900 if second == 12_345 else 100 + second % 7
        uses.add({"at": at(second), "cpu": 0.5, "memory_mib": peak})
    assert 40 <= len(uses.points) < 100
    times = [use.at for use in uses.points]
    assert times == sorted(times)
    assert times[-1] - times[0] > timedelta(seconds=19_000)
    assert max(use.memory_mib or 0 for use in uses.points) == 900
    assert uses.now is not None
    assert uses.now.memory_mib == 100 + 19_999 % 7


def test_what_is_not_told_or_no_number_is_left_out() -> None:
    uses = Uses()
    for event in ({}, {"at": 3}, {"at": "no time", "cpu": 1}):
        uses.add(event)
    assert uses.points == []
    uses.add({"at": at(0), "cpu": "a", "memory_mib": float("inf")})
    uses.add({"at": at(1), "cpu": True})
    assert [(use.cores, use.memory_mib) for use in uses.points] == [(None, None)] * 2


def test_gpu_figures_keep_their_peaks_beside_those_that_tell_of_none() -> None:
    uses = Uses(most=4)
    for second in range(16):
        gpu = {"gpu_percent": 90 if second == 5 else 10, "gpu_memory_mib": 2100 - second}
        uses.add({"at": at(second), "cpu": 1} | (gpu if second > 3 else {}))
    assert max(use.gpu_percent or 0 for use in uses.points) == 90
    assert max(use.gpu_memory_mib or 0 for use in uses.points) == 2096
    assert uses.now is not None
    assert (uses.now.gpu_percent, uses.now.gpu_memory_mib) == (10, 2085)
