"""When a server is idle, and when the hub must hear of work."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterlab_machinelabs.activity import idle, is_report_due

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("since", "busy", "left", "is_due"),
    [
        (0, (), 3600, False),
        (50, (), 600, False),
        (55, (), 300, True),
        (70, (), 0, True),
        (70, ("kernel",), 3600, False),
        (-5, (), 3600, False),
    ],
)
def test_an_idle_server_is_warned_of_in_time(
    since: float, busy: tuple[str, ...], left: int, *, is_due: bool
) -> None:
    found = idle(busy=busy, last_activity=ago(since), now=NOW, idle_minutes=60, warning_minutes=5)
    assert found.seconds_left == left
    assert found.is_due is is_due


def test_where_servers_never_stop_nobody_is_warned() -> None:
    found = idle(busy=(), last_activity=ago(999), now=NOW, idle_minutes=0, warning_minutes=5)
    assert found.seconds_left is None
    assert not found.is_due


@given(told=st.floats(0, 200), worked=st.floats(0, 200), idle_minutes=st.integers(1, 120))
def test_a_server_that_worked_is_never_stopped_for_a_late_report(
    told: float, worked: float, idle_minutes: int
) -> None:
    due = is_report_due(
        last_activity=ago(worked), told=ago(told), now=NOW, idle_minutes=idle_minutes
    )
    if worked < told and told >= idle_minutes:
        assert due
    if worked >= told:
        assert not due


def test_a_hub_that_heard_lately_is_left_alone() -> None:
    assert not is_report_due(last_activity=NOW, told=ago(10), now=NOW, idle_minutes=60)
    assert not is_report_due(last_activity=NOW, told=ago(999), now=NOW, idle_minutes=0)
