"""Whoever waits reads their place, how long it may take and why, as people say it."""

from datetime import UTC, datetime, timedelta

import pytest

from machinelabs_hub.gpu.model import Waiting
from machinelabs_hub.spawn.standing import about, ordered, standing

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_the_sentence_has_place_time_and_reason() -> None:
    place = Waiting(3, NOON, "All 4 GPUs are in use.", NOON + timedelta(minutes=6))
    found = standing(place, NOON)
    assert found["sentence"] == "You are 3rd in line, about 6 minutes. All 4 GPUs are in use."
    assert (found["place"], found["likely"]) == ("3rd in line", "about 6 minutes")
    assert found["expected_at"] == "2026-11-02T12:06:00+00:00"


def test_what_is_not_known_is_not_guessed() -> None:
    found = standing(Waiting(1, NOON, "The GPU is in use."), NOON)
    assert found["sentence"] == "You are 1st in line. The GPU is in use."
    assert found["likely"] == "How long it will take is not known."
    assert found["expected_at"] is None


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (21, "21st"),
     (111, "111th"), (122, "122nd")],
)  # fmt: skip
def test_ordinals(number: int, words: str) -> None:
    assert ordered(number) == words


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(-1, "about a minute"), (0.2, "about a minute"), (2, "about 2 minutes"),
     (19.4, "about 19 minutes"), (22.4, "about 20 minutes"), (23, "about 25 minutes"),
     (59, "about 1 hour"), (61, "about 1 hour"), (130, "about 2 hours")],
)  # fmt: skip
def test_times_to_come(minutes: float, words: str) -> None:
    assert about(minutes * 60) == words
