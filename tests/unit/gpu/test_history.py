"""Two hours of numbers in a ring."""

import pytest

from machinelabs_hub.gpu.history import Ring

A, B = ("a",), ("b",)


def test_numbers_come_back_in_order_and_from_when_they_are_asked_for() -> None:
    ring = Ring(width=2, length=10)
    for at in range(4):
        ring.add(float(at), [(A, (at, None))])
    assert list(ring.since(A, 2)) == [(2.0, [2.0, None]), (3.0, [3.0, None])]
    assert list(ring.since(B, 0)) == []


def test_the_oldest_go_when_it_is_full() -> None:
    ring = Ring(width=1, length=3)
    for at in range(8):
        ring.add(float(at), [(A, (at,))])
    assert list(ring.since(A, 0)) == [(5.0, [5.0]), (6.0, [6.0]), (7.0, [7.0])]


def test_a_gap_is_a_gap_and_not_what_was_there_before() -> None:
    ring = Ring(width=1, length=3)
    for at in range(8):
        ring.add(float(at), [(A, (at,))] if at != 6 else [(B, (60,))])
    assert list(ring.since(A, 0)) == [(5.0, [5.0]), (7.0, [7.0])]
    assert list(ring.since(B, 0)) == [(6.0, [60.0])]


@pytest.mark.parametrize("length", [3, 50])
def test_who_was_away_for_the_whole_length_is_forgotten(length: int) -> None:
    ring = Ring(width=1, length=length)
    ring.add(0.0, [(A, (1,)), (B, (1,))])
    for at in range(1, length):
        ring.add(float(at), [(B, (at,))])
    assert len(list(ring.since(A, 0))) == 1
    ring.add(float(length), [(B, (length,))])
    assert list(ring.since(A, 0)) == []
    assert list(ring._rows) == [B]
