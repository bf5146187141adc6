"""Times that a cron line means, by the clock of its zone."""

from datetime import UTC, datetime

import pytest

from machinelabs_hub.labs.models.schedule import BadCron, BadZone, Times

FRIDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_times_follow_the_clock_of_the_zone() -> None:
    times = Times.read(" 0 6  * * 1-5 ", "Europe/Berlin")
    assert times.cron == "0 6 * * 1-5"
    assert times.after(FRIDAY, 2) == (
        datetime(2026, 11, 23, 5, tzinfo=UTC),
        datetime(2026, 11, 24, 5, tzinfo=UTC),
    )
    summer = datetime(2026, 7, 1, tzinfo=UTC)
    assert times.after(summer) == (datetime(2026, 7, 1, 4, tzinfo=UTC),)


def test_a_time_that_the_clocks_leave_out_comes_right_after_and_none_comes_twice() -> None:
    times = Times.read("30 2 * * *", "Europe/Berlin")
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert times.after(spring, 2) == (
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    )
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    days = [at.day for at in times.after(autumn, 2)]
    assert days == [25, 26]


def test_a_time_is_after_the_moment_itself() -> None:
    times = Times.read("0 12 * * *", "UTC")
    assert times.after(FRIDAY) == (datetime(2026, 11, 21, 12, tzinfo=UTC),)


def test_it_says_itself_in_words() -> None:
    assert Times.read("0 6 * * 1-5", "UTC").words == "At 06:00 on Monday through Friday"


@pytest.mark.parametrize(
    ("cron", "zone", "error", "said"),
    [
        ("", "UTC", BadCron, "five parts"),
        ("* * * * * *", "UTC", BadCron, "five parts"),
        ("61 * * * *", "UTC", BadCron, "bad minute"),
        ("0 0 30 2 *", "UTC", BadCron, "bad day-of-month"),
        ("0 0 * * *", "Berlin", BadZone, "no time zone"),
        ("0 0 * * *", "../../etc/passwd", BadZone, "no time zone"),
        ("0 0 * * *", "Europe", BadZone, "no time zone"),
        ("0 0 * * *", "", BadZone, "no time zone"),
    ],
)
def test_what_means_no_time_is_refused(
    cron: str, zone: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        Times.read(cron, zone)
