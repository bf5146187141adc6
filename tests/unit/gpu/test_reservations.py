"""A group's slots are kept by the clock of its lesson, and go back where nobody uses them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.gpu.reservations import (
    LEAD,
    Repeat,
    Reservation,
    holding,
    kept,
    occurrences,
)

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def a_lesson(
    repeat: Repeat = Repeat.WEEKLY, *, until: datetime | None = None, day: int = 5, hour: int = 10
) -> Reservation:
    """From ten to twelve in Berlin; the clocks go back on 25 October 2026."""
    starts = datetime(2026, 10, day, hour, tzinfo=BERLIN)
    return Reservation(
        id=1,
        group="ml101",
        flavour="gpu",
        slots=2,
        starts_at=starts.astimezone(UTC),
        ends_at=(starts + timedelta(hours=2)).astimezone(UTC),
        repeat=repeat,
        repeat_until=until,
        zone="Europe/Berlin",
    )


def local(moment: datetime) -> str:
    return f"{moment.astimezone(BERLIN):%d.%m. %H:%M}"


def found(row: Reservation, days: int = 40) -> list[str]:
    span = occurrences(row, after=row.starts_at, before=row.starts_at + timedelta(days=days))
    return [local(one.starts_at) for one in span]


def test_a_weekly_lesson_stays_at_ten_when_the_clocks_change() -> None:
    assert found(a_lesson()) == [
        "05.10. 10:00", "12.10. 10:00", "19.10. 10:00", "26.10. 10:00",
        "02.11. 10:00", "09.11. 10:00",
    ]  # fmt: skip


def test_it_ends_at_twelve_then_too() -> None:
    row = a_lesson(Repeat.DAILY)
    late = occurrences(row, after=row.starts_at, before=row.starts_at + timedelta(days=40))
    assert {f"{one.ends_at.astimezone(BERLIN):%H:%M}" for one in late} == {"12:00"}


def test_once_is_once_and_repeats_have_an_end() -> None:
    assert found(a_lesson(Repeat.ONCE)) == ["05.10. 10:00"]
    until = datetime(2026, 10, 19, 10, tzinfo=BERLIN)
    assert found(a_lesson(until=until)) == ["05.10. 10:00", "12.10. 10:00"]


def test_an_hour_that_the_clock_leaps_over_does_not_lose_the_lesson() -> None:
    starts = datetime(2026, 3, 28, 2, 30, tzinfo=BERLIN)
    row = Reservation(
        id=1, group="g", flavour="gpu", slots=1, repeat=Repeat.DAILY, zone="Europe/Berlin",
        starts_at=starts.astimezone(UTC), ends_at=(starts + timedelta(hours=1)).astimezone(UTC),
    )  # fmt: skip
    assert found(row, days=2) == ["28.03. 02:30", "29.03. 03:30", "30.03. 02:30"]


def test_it_holds_from_before_its_beginning_until_its_end() -> None:
    row = a_lesson()
    assert holding(row, row.starts_at - LEAD - MINUTE) is None
    assert holding(row, row.starts_at - LEAD) is not None
    assert holding(row, row.ends_at - MINUTE) is not None
    assert holding(row, row.ends_at) is None


@given(st.sampled_from(list(Repeat)), st.integers(0, 500 * 24 * 60))
def test_what_holds_is_found_from_wherever_one_looks(repeat: Repeat, minutes: int) -> None:
    row = a_lesson(repeat)
    now = row.starts_at + minutes * MINUTE
    every = occurrences(row, after=row.starts_at, before=now + LEAD + timedelta.resolution)
    assert holding(row, now) == next((one for one in every if one.ends_at > now), None)


@pytest.mark.parametrize(
    ("minutes", "live", "released", "slots"),
    [
        (-20, 0, [], 2),
        (5, 0, [], 2),
        (5, 1, [], 1),
        (20, 0, [], 0),
        (20, 1, [], 0),
        (60, 1, [50], 1),
        (60, 1, [40], 0),
        (60, 2, [50], 0),
        (60, 0, [50, 51, 52], 2),
        (60, 3, [], 0),
        (16, 0, [-5], 0),
    ],
)
def test_a_slot_is_kept_until_nobody_used_it_for_the_grace(
    minutes: int, live: int, released: list[int], slots: int
) -> None:
    row = a_lesson()
    one = holding(row, row.starts_at)
    assert one is not None
    moments = [row.starts_at + minute * MINUTE for minute in released]
    now = row.starts_at + minutes * MINUTE
    assert kept(row, one, now=now, live=live, released=moments) == slots
