"""What a lab needs by its last runs, and the smallest size that holds it."""

import pytest

from machinelabs_hub.catalog.model import Flavour, Gpu
from machinelabs_hub.labs.models.needs import Measured, Needs, needs_of, smallest
from machinelabs_hub.labs.models.sizes import about


def size(name: str, memory_mib: int, gpu: Gpu | None = None) -> Flavour:
    return Flavour(name=name, title=name, cpu=1, memory_mib=memory_mib, gpu=gpu)


SIZES = (
    size("large", 8192),
    size("small", 1024),
    size("medium", 2048),
    size("gpu-large", 8192, Gpu(memory_mib=40_000)),
    size("gpu-small", 4096, Gpu(memory_mib=10_000)),
)


def needs(flavour: str, memory_mib: int, gpu: int = 0) -> Needs:
    return Needs(flavour, memory_mib, gpu, 1.0, 1)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (needs("large", 700), "small"),
        (needs("large", 900), "medium"),
        (needs("large", 4000), "large"),
        (needs("large", 8000), "large"),
        (needs("gpu-large", 500, gpu=6_000), "gpu-small"),
        (needs("gpu-large", 500, gpu=9_000), "gpu-large"),
        (needs("gpu-large", 500), "gpu-large"),
        (needs("of-yesterday", 500), ""),
    ],
)
def test_the_smallest_size_with_a_margin_is_chosen_and_a_gpu_stays_one(
    wanted: Needs, found: str
) -> None:
    assert smallest(SIZES, wanted) == found


def test_the_most_memory_and_the_usual_time_count() -> None:
    runs = [
        Measured("small", 300, 0, 10),
        Measured("large", 500, 0, 12),
        Measured("large", 0, 0, 999),
        Measured("small", 200, 0, 300),
    ]
    assert needs_of(runs) == Needs("small", 500, 0, 12, 3)
    assert needs_of(runs[2:3]) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (44, "44 s"), (89, "89 s"), (180, "3 min"), (7300, "2 h")],
)
def test_times_are_said_roughly(seconds: float, said: str) -> None:
    assert about(seconds) == said
