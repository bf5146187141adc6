"""Plots: bars stand where their values are, stacked, below a round top."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.pages.plots import (
    BOTTOM,
    HEIGHT,
    LEFT,
    SERIES,
    SPARK_HEIGHT,
    SPARK_WIDTH,
    TOP,
    WIDTH,
    bars_by_day,
    spark,
)

FIRST = date(2026, 11, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(30)]
values = st.dictionaries(
    st.tuples(st.sampled_from(DAYS), st.sampled_from("abcdefgh")), st.floats(0.01, 5000)
)


@given(values)
def test_all_bars_stand_inside_the_frame_and_reach_as_high_as_their_values(
    given: dict[tuple[date, str], float],
) -> None:
    plot = bars_by_day("Hours", DAYS, given, unit="hours")
    assert len(plot.bars) == len(given)
    highest = max(float(line.words) for line in plot.lines)
    room = HEIGHT - BOTTOM - TOP
    for bar in plot.bars:
        assert bar.x >= LEFT
        assert bar.x + bar.width <= WIDTH + 0.1
        assert bar.y >= TOP - 0.1
        assert bar.series < SERIES
    total = sum(bar.height for bar in plot.bars) / room * highest
    assert abs(total - sum(given.values())) <= highest * 0.001 * max(1, len(given))


def test_a_day_without_use_has_no_bar_and_the_words_say_what_is_seen() -> None:
    plot = bars_by_day("GPU hours", DAYS[:3], {(DAYS[1], "Small"): 1.5}, unit="hours")
    (bar,) = plot.bars
    assert bar.words == "2 November, Small: 1.5 hours"
    assert plot.summary == "GPU hours: 1.5 hours on 1 of 3 days."
    assert [mark.words for mark in plot.days] == ["1 Nov", "2 Nov", "3 Nov"]
    assert plot.lines[0].words == "0"


def test_nothing_at_all_makes_an_empty_plot() -> None:
    plot = bars_by_day("GPU hours", DAYS, {}, unit="hours")
    assert plot.bars == ()
    assert len(plot.lines) >= 2


NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def minutes(values: dict[int, float]) -> dict[datetime, float]:
    return {NOON + timedelta(minutes=number): value for number, value in values.items()}


def test_a_spark_goes_from_left_to_right_high_where_much_is_used() -> None:
    found = spark(minutes({0: 0, 1: 100, 2: 50}), NOON, NOON + timedelta(minutes=2))
    middle, bottom = SPARK_HEIGHT / 2, SPARK_HEIGHT - 1
    assert found.lines == (
        f"0.0,{bottom:.1f} {SPARK_WIDTH / 2:.1f},1.0 {SPARK_WIDTH:.1f},{middle:.1f}",
    )
    assert found.summary == "Use in the last hour: 50 % on average, 100 % at most."


def test_a_spark_has_a_gap_where_nothing_is_known_and_shows_a_minute_alone() -> None:
    found = spark(minutes({0: 5, 1: 5, 7: 5, 90: 99}), NOON, NOON + timedelta(hours=1))
    assert [len(line.split()) for line in found.lines] == [2, 2]
    assert "99" not in found.summary
    assert spark({}, NOON, NOON + timedelta(hours=1)).lines == ()
