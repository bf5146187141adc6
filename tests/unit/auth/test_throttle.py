"""How long a sign-in waits after failures."""

from datetime import UTC, datetime, timedelta

import pytest

from machinelabs_hub.auth.throttle import Failure, TooManyAttempts, check_pause
from machinelabs_hub.auth_settings import Local

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
RULE = Local(failures=3, failure_minutes=10)


def failed(count, *, name="jane", ago=0.0):
    return [Failure(name_hash=name, at=NOW - timedelta(minutes=ago))] * count


def check(failures):
    check_pause(failures, name_hash="jane", now=NOW, rule=RULE)


def test_a_few_failures_are_forgiven():
    check(failed(2))


def test_the_name_pauses_after_as_many_failures_as_the_settings_say():
    with pytest.raises(TooManyAttempts, match="Wait 10 minutes"):
        check(failed(3))


def test_the_pause_ends_when_the_window_has_passed():
    check(failed(3, ago=10.1))


def test_the_sentence_says_how_long_is_left():
    with pytest.raises(TooManyAttempts, match="Wait 1 minute,"):
        check(failed(3, ago=9.5))


def test_another_name_is_not_paused_by_mine():
    check(failed(29, name="mallory"))


def test_an_address_that_tries_many_names_is_paused_for_all():
    many = [f for number in range(30) for f in failed(1, name=f"name{number}")]
    with pytest.raises(TooManyAttempts):
        check(many)
