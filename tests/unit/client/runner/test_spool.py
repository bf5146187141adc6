"""What waits to be sent: in order, bounded, the middle goes first and it is said how much."""

from unittest.mock import Mock

from machinelabs.runner.spool import Spool


def note(lines: int, size: int) -> bytes:
    return b"<%d lines, %d bytes>\n" % (lines, size)


def line(number: int) -> bytes:
    return b"%09d\n" % number


def everything(spool: Spool) -> list[bytes]:
    found: list[bytes] = []
    while taken := spool.take(most_bytes=100, most_lines=3):
        found += taken
    return found


def test_what_was_put_first_is_taken_first() -> None:
    spool = Spool(note, limit=1000, piece=100)
    for number in range(55):
        spool.append(line(number))
    assert spool.size == 550
    assert everything(spool) == [line(number) for number in range(55)]
    assert spool.size == 0


def test_putting_and_taking_in_turn_loses_nothing() -> None:
    spool = Spool(note, limit=1000, piece=40)
    taken: list[bytes] = []
    for number in range(300):
        spool.append(line(number))
        if number % 3 == 0:
            taken += spool.take(most_bytes=20, most_lines=2)
        if number % 50 == 0:
            taken += everything(spool)
    assert taken + everything(spool) == [line(number) for number in range(300)]


def test_beyond_the_limit_the_middle_goes_and_it_is_said_where_and_how_much() -> None:
    spool = Spool(note, limit=1000, piece=100)
    for number in range(1000):
        spool.append(line(number))
    assert spool.size <= 1000
    found = everything(spool)
    (at,) = [at for at, one in enumerate(found) if one.startswith(b"<")]
    lost = 1000 - (len(found) - 1)
    assert found[at] == note(lost, lost * 10)
    numbers = [int(one) for one in found if not one.startswith(b"<")]
    assert numbers == [*range(at), *range(at + lost, 1000)]
    assert at >= 30
    assert len(found) - at > 30


def test_a_take_has_at_least_one_line_however_long() -> None:
    spool = Spool(note, limit=10_000, piece=100)
    spool.append(b"x" * 500 + b"\n")
    spool.append(b"y\n")
    assert spool.take(most_bytes=10, most_lines=10) == [b"x" * 500 + b"\n"]
    assert spool.take(most_bytes=10, most_lines=10) == [b"y\n"]
    assert spool.take(most_bytes=10, most_lines=10) == []


def test_a_disk_that_is_full_costs_lines_and_not_the_run() -> None:
    spool = Spool(note, limit=1000, piece=100)
    spool.append(line(1))

    full = Mock(side_effect=OSError(28, "No space left on device"))
    spool._pieces[-1].append = full  # type: ignore[method-assign]
    spool.append(line(2))
    spool.append(line(3))
    assert everything(spool) == [line(1), note(1, 10), line(3)]
