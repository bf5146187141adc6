"""The start page says how many GPUs are free, in words."""

import pytest

from machinelabs_hub.gpu.model import Room
from machinelabs_hub.spawn.form import room


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (Room(4, 2), "2 of 4 GPUs free now"),
        (Room(1, 1), "1 of 1 GPU free now"),
        (Room(4, 0), "No GPU is free now: you would wait in line."),
        (Room(0, 0), "No GPU of this site fits."),
    ],
)
def test_a_size_says_whether_one_would_wait(found: Room, sentence: str) -> None:
    assert room(found) == sentence
