"""What the benchmarks say about a series of measurements."""

import pytest
from tests.benchmarks.figures import against, alone, p95
from tests.benchmarks.report import table


def test_95_of_100_do_not_pass_the_95th_percentile() -> None:
    values = [float(number) for number in range(1, 101)]
    assert p95(values) == 95
    assert p95([3.0]) == 3
    assert p95([1.0, 2.0]) == 2


def test_a_ratio_is_ours_to_the_peers_with_its_bounds() -> None:
    figure = against("start", [1.0, 1.1, 0.9, 1.0], [2.0, 2.1, 1.9, 2.0], target=0.7)
    assert figure.ratio == pytest.approx(0.5)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= 0.5 <= figure.high
    assert figure.holds


def test_a_missed_target_is_said() -> None:
    slow = against("start", [3.0, 3.0], [2.0, 2.0], target=1.2)
    assert slow.holds is False
    assert alone("page", [0.06], target=0.05).holds is False
    assert alone("page", [0.06]).holds is None
    assert "| no" in table([slow])
