"""Who used GPUs lately stands further back, and never so far that they are never served."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.gpus import NOON

from machinelabs_hub.gpu.fairness import HALF_LIFE, MOST, Used, late_by, recent_seconds

HOUR = timedelta(hours=1)


def used(*, ago: timedelta, seconds: float = 3600.0) -> Used:
    return Used(NOON - ago - timedelta(seconds=1), NOON - ago, seconds)


def test_an_hour_that_just_ended_counts_whole_and_after_a_day_half() -> None:
    assert recent_seconds([used(ago=timedelta())], NOON) == pytest.approx(3600, rel=0.01)
    assert recent_seconds([used(ago=HALF_LIFE)], NOON) == pytest.approx(1800, rel=0.01)
    assert recent_seconds([used(ago=2 * HALF_LIFE)], NOON) == pytest.approx(900, rel=0.01)


def test_a_long_session_counts_as_its_parts_would() -> None:
    whole = Used(NOON - 10 * HOUR, NOON, 36_000.0)
    parts = [Used(NOON - (n + 1) * HOUR, NOON - n * HOUR, 3600.0) for n in range(10)]
    assert recent_seconds([whole], NOON) == pytest.approx(recent_seconds(parts, NOON))


def test_twice_the_weight_counts_recent_use_half() -> None:
    assert late_by(3600, holds=Fraction(0), weight=1) == HOUR
    assert late_by(3600, holds=Fraction(0), weight=2) == HOUR / 2
    assert late_by(3600, holds=Fraction(0), weight=0.5) == 2 * HOUR


def test_what_one_holds_or_waits_for_elsewhere_counts_too() -> None:
    assert late_by(0, holds=Fraction(1, 2), weight=1) == HOUR / 2


@given(st.floats(0, 1e9), st.fractions(0, 64), st.floats(1e-6, 1e6), st.floats(0, 1e9))
def test_whoever_comes_more_than_the_most_later_stands_behind(
    recent: float, holds: Fraction, weight: float, other: float
) -> None:
    late = late_by(recent, holds=holds, weight=weight)
    theirs = late_by(other, holds=Fraction(0), weight=weight)
    assert timedelta() <= late <= MOST
    came_later = NOON + MOST + timedelta(microseconds=1)
    assert NOON + late < came_later + theirs


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_of_two_who_come_together_the_one_who_used_less_is_not_behind(a: float, b: float) -> None:
    less, more = sorted((a, b))
    assert late_by(less, holds=Fraction(0), weight=1) <= late_by(more, holds=Fraction(0), weight=1)
