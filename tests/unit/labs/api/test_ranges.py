"""Which part of a file a `Range` header asks for."""

import pytest

from machinelabs_hub.labs.api.ranges import BadRange, Part, part_of


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", None),
        ("bytes=0-0", Part(0, 1)),
        ("bytes=2-4", Part(2, 3)),
        ("bytes=4-", Part(4, 6)),
        ("bytes=-3", Part(7, 3)),
        ("bytes=-300", Part(0, 10)),
        ("bytes=8-300", Part(8, 2)),
        ("bytes=0-1,4-5", None),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("lines=1-2", None),
    ],
)
def test_a_part_is_what_was_asked_for(header: str, wanted: Part | None) -> None:
    assert part_of(header, 10) == wanted


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_part_that_is_not_there_is_refused(header: str) -> None:
    with pytest.raises(BadRange):
        part_of(header, 10)


def test_a_part_of_another_state_is_of_no_use() -> None:
    assert part_of("bytes=2-4", 10, tag='"a"', if_range='"a"') == Part(2, 3)
    assert part_of("bytes=2-4", 10, tag='"a"', if_range='"b"') is None
