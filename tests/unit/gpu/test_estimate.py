"""An estimate says what is likely, and nothing where too little is known."""

from datetime import timedelta

from tests.support.gpus import NOON

from machinelabs_hub.gpu.estimate import Ending, likely_end, turn_at, typical

HOUR = timedelta(hours=1)
LENGTHS = [600.0, 1200.0, 1800.0, 3600.0, 7200.0]


def test_too_few_servers_tell_nothing() -> None:
    assert typical(LENGTHS[:4]) is None
    assert likely_end(NOON, LENGTHS[:4], NOON) is None
    assert typical(LENGTHS) == timedelta(minutes=30)


def test_a_server_that_lasts_already_is_compared_with_those_that_lasted_as_long() -> None:
    assert likely_end(NOON, LENGTHS, NOON) == NOON + timedelta(minutes=30)
    assert likely_end(NOON - HOUR / 2, LENGTHS, NOON) == NOON - HOUR / 2 + timedelta(seconds=5400)


def test_a_server_that_lasts_longer_than_any_has_no_likely_end() -> None:
    assert likely_end(NOON - 3 * HOUR, LENGTHS, NOON) is None


def test_the_turn_comes_when_enough_cards_are_free() -> None:
    endings = [Ending(NOON + 2 * HOUR, 1), Ending(NOON + HOUR, 1)]
    assert turn_at(1, endings, None, NOON) == NOON + HOUR
    assert turn_at(2, endings, None, NOON) == NOON + 2 * HOUR
    assert turn_at(3, endings, None, NOON) is None
    assert turn_at(3, endings, HOUR, NOON) == NOON + 2 * HOUR
    assert turn_at(4, endings, HOUR, NOON) == NOON + 3 * HOUR
    assert turn_at(0, endings, None, NOON) == NOON
    assert turn_at(1, [], HOUR, NOON) is None


def test_an_end_that_should_have_come_is_expected_now() -> None:
    assert turn_at(1, [Ending(NOON - HOUR, 1)], None, NOON) == NOON
