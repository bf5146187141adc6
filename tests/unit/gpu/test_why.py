"""Whoever waits reads why, in one sentence that is true."""

from datetime import UTC, datetime, timedelta

import pytest

from machinelabs_hub.gpu.model import Want
from machinelabs_hub.gpu.reservations import Occurrence, Reservation
from machinelabs_hub.gpu.turns import Slots
from machinelabs_hub.gpu.why import Counts, sentence

STARTS = datetime(2026, 11, 2, 9, tzinfo=UTC)


def a_class(title: str = "a class") -> Slots:
    row = Reservation(
        id=1, group="ml101", flavour="gpu", slots=2, title=title, zone="Europe/Berlin",
        starts_at=STARTS, ends_at=STARTS + timedelta(hours=2),
    )  # fmt: skip
    return Slots(row, Occurrence(row.starts_at, row.ends_at), Want(), kept=2, unused=2)


def said(
    total: int,
    *,
    busy: int = 0,
    broken: int = 0,
    reserved: int = 0,
    needs: int = 1,
    profile: str = "",
    minutes: int = 5,
) -> str:
    counts = Counts(
        total=total,
        broken=broken,
        reserved=((reserved, a_class()),),
        busy=busy,
        profile=profile,
    )
    return sentence(counts, needs=needs, now=STARTS + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ("All 4 GPUs are in use.", {"total": 4, "busy": 4}),
        ("The GPU is in use.", {"total": 1, "busy": 1}),
        ("The GPU is out of service.", {"total": 1, "broken": 1}),
        ("None of this site's GPUs can be used now.", {"total": 0}),
        ("3 of 4 GPUs are in use, 1 is out of service.", {"total": 4, "busy": 3, "broken": 1}),
        (
            "2 of 4 GPUs are reserved for a class until 12:00 (Europe/Berlin), 2 are in use.",
            {"total": 4, "busy": 2, "reserved": 2},
        ),
        (
            (
                "2 of 4 GPUs are reserved for a class from 10:00 to 12:00 (Europe/Berlin), "
                "2 are in use."
            ),
            {"total": 4, "busy": 2, "reserved": 2, "minutes": -5},
        ),
        (
            "3 of 4 GPUs are in use, 1 is kept free for whoever is before you.",
            {"total": 4, "busy": 3},
        ),
        (
            "3 of 4 GPUs are in use, 1 is free, and you need 2 at once.",
            {"total": 4, "busy": 3, "needs": 2},
        ),
        (
            "All 7 GPUs of size 1g.10gb are in use.",
            {"total": 7, "busy": 7, "profile": "1g.10gb"},
        ),
    ],
)
def test_the_sentence_says_what_becomes_of_all_devices(words: str, counts: dict[str, int]) -> None:
    assert said(**counts) == words  # type: ignore[arg-type]


def test_a_reservation_that_ends_another_day_says_which() -> None:
    counts = Counts(total=1, broken=0, reserved=((1, a_class("ml101")),), busy=0)
    assert sentence(counts, needs=1, now=STARTS - timedelta(days=1)) == (
        "The GPU is reserved for ml101 from 10:00 to 12:00 on 2 November (Europe/Berlin)."
    )
