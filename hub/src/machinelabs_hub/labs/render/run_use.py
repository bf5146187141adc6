"""What a run used of its container over time, in a bounded number of points."""

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Use:
    """What a run used at a moment; None: it was not told."""

    at: datetime
    cores: float | None
    memory_mib: float | None
    gpu_percent: float | None = None
    gpu_memory_mib: float | None = None


class Uses:
    """What a run used over its time, in at most so many points: the highest of each stretch."""

    def __init__(self, *, most: int = 240) -> None:
        self.points: list[Use] = []
        self.now: Use | None = None
        self._most = most
        self._each = 1
        self._taken = 0

    def put_down(self) -> dict[str, Any]:
        """Return all that it is as JSON takes it."""
        points = [*self.points, *([self.now] if self.now else [])]
        rows = [[use.at.isoformat(), *astuple(use)[1:]] for use in points]
        return {"rows": rows, "each": self._each, "taken": self._taken}

    def take_up(self, said: Mapping[str, Any]) -> None:
        """Go on as the one that was put down."""
        points = [Use(datetime.fromisoformat(at), *figures) for at, *figures in said["rows"]]
        self.now = points.pop() if points else None
        self.points, self._each, self._taken = points, said["each"], said["taken"]

    def add(self, event: Mapping[str, Any]) -> None:
        """Take one event of use."""
        try:
            at = datetime.fromisoformat(event["at"])
        except (KeyError, TypeError, ValueError):
            return
        figures = ("cpu", "memory_mib", "gpu_percent", "gpu_memory_mib")
        use = Use(at, *(_number(event.get(figure)) for figure in figures))
        self.now = use
        if self._taken % self._each and self.points:
            self.points[-1] = _highest(self.points[-1], use)
        else:
            self.points.append(use)
        self._taken += 1
        if len(self.points) >= self._most:
            pairs = zip(self.points[::2], self.points[1::2], strict=False)
            self.points = [_highest(one, other) for one, other in pairs]
            self._each *= 2
            self._taken = 0


def _highest(one: Use, other: Use) -> Use:
    """Return both in one point, at the time of the later."""
    both = (
        (one.cores, other.cores),
        (one.memory_mib, other.memory_mib),
        (one.gpu_percent, other.gpu_percent),
        (one.gpu_memory_mib, other.gpu_memory_mib),
    )
    told = ([figure for figure in pair if figure is not None] for pair in both)
    return Use(other.at, *(max(figures, default=None) for figures in told))


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None
