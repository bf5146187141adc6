"""What a series of measurements says: medians, percentiles, and ratios with their uncertainty."""

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

RESAMPLES = 2000


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 of 100 do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * 95 // 100) - 1)]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report.

    `value` is ours in `unit`; `ratio` is ours to the peer's, with the bounds between which
    95 of 100 resamples lie; `target` is the most that `judged` (the ratio, or the value) may be.
    """

    name: str
    value: float
    unit: str
    samples: int
    peer: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    target: float | None = None

    @property
    def judged(self) -> float:
        return self.value if self.ratio is None else self.ratio

    @property
    def holds(self) -> bool | None:
        """Whether the target was met; None where there is none."""
        return None if self.target is None else self.judged <= self.target


def alone(
    name: str,
    values: Sequence[float],
    *,
    unit: str = "s",
    of: Callable[[Sequence[float]], float] = median,
    target: float | None = None,
) -> Figure:
    return Figure(name=name, value=of(values), unit=unit, samples=len(values), target=target)


def against(
    name: str,
    ours: Sequence[float],
    peers: Sequence[float],
    *,
    unit: str = "s",
    of: Callable[[Sequence[float]], float] = median,
    target: float | None = None,
) -> Figure:
    """Compare two series that were measured in turns."""
    chance = random.Random(1)  # noqa: S311 - the same resamples each time
    ratios = sorted(
        of(chance.choices(ours, k=len(ours))) / of(chance.choices(peers, k=len(peers)))
        for _ in range(RESAMPLES)
    )
    return Figure(
        name=name,
        value=of(ours),
        unit=unit,
        samples=len(ours),
        peer=of(peers),
        ratio=of(ours) / of(peers),
        low=ratios[RESAMPLES // 40],
        high=ratios[-RESAMPLES // 40],
        target=target,
    )
