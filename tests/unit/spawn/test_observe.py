"""Which cards a container was made with, however somebody asked for them."""

import pytest

from machinelabs_hub.spawn.engine import CardRequest
from machinelabs_hub.spawn.observe import uuids_of

KNOWN = ("GPU-a", "GPU-b", "GPU-c")


@pytest.mark.parametrize(
    ("count", "ids", "uuids"),
    [
        (0, ("GPU-b",), ("GPU-b",)),
        (0, ("2", "GPU-a"), ("GPU-c", "GPU-a")),
        (0, ("MIG-1",), ("MIG-1",)),
        (0, ("7",), ("7",)),
        (-1, (), KNOWN),
        (2, (), ("GPU-a", "GPU-b")),
    ],
)
def test_a_request_is_read_as_the_engine_reads_it(
    count: int, ids: tuple[str, ...], uuids: tuple[str, ...]
) -> None:
    assert uuids_of([CardRequest(count, ids)], KNOWN) == uuids


def test_a_card_that_is_asked_for_twice_is_one() -> None:
    twice = [CardRequest(0, ("GPU-b",)), CardRequest(-1, ())]
    assert uuids_of(twice, KNOWN) == ("GPU-b", "GPU-a", "GPU-c")
