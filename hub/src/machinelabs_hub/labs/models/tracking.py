"""What the code of a run measures: the course of each metric, in so many points. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

MOST_POINTS: Final = 512
"""Of the course of one metric; further ones take the place of those beside them."""

MOST_METRICS: Final = 1000
MOST_VALUES: Final = 1000
"""Parameters and tags of a run, each."""

LONGEST_NAME: Final = 250
LONGEST_VALUE: Final = 6000
METRIC: Final = "metric"
PARAM: Final = "param"
TAG: Final = "tag"
KINDS: Final = frozenset({METRIC, PARAM, TAG})
"""Events of a log that are of this."""

_MOST_STEPS: Final = 1 << 62
_NOT_FINITE: Final = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric.

    Attributes:
        step: as the code counts; the same for all where it does not.
        at: seconds since 1970.
    """

    step: int
    value: float
    at: float

    @classmethod
    def read(cls, said: Any) -> Self | None:
        """Return the point that `[step, value, at]` is; None: it is none."""
        if not isinstance(said, list) or len(said) != 3:  # noqa: PLR2004
            return None
        step, value, at = said
        if isinstance(value, str):
            value = _NOT_FINITE.get(value)
        if not (_is_number(step) and _is_number(value) and _is_number(at)):
            return None
        try:
            point = cls(int(step), float(value), float(at))
        except (ValueError, OverflowError):
            return None
        return point if abs(point.step) < _MOST_STEPS and math.isfinite(point.at) else None

    def write(self) -> list[Any]:
        """Return what `read` reads."""
        value = self.value if math.isfinite(self.value) else word_of(self.value)
        return [self.step, value, self.at]


def _is_number(said: Any) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool)


def word_of(value: float) -> str:
    """Return how a value that JSON has no number for is written."""
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


Stretch = list[Any]
"""Some points of a course that followed each other, as JSON: how many, the lowest, the highest.

The highest is left out where it is the lowest. Courses are read and written all the time and
grow at their end alone, so what is before stays as it was read.
"""


def _joined(one: Stretch, other: Stretch) -> Stretch:
    low = min(one[1], other[1], key=_value)
    high = max(one[-1], other[-1], key=_value)
    return [one[0] + other[0], low] if low == high else [one[0] + other[0], low, high]


@dataclass(slots=True)
class Course:
    """The course of one metric: all points, or the lowest and highest of stretches of equal length.

    The first, the last, the lowest and the highest point are always among those that are kept.
    """

    count: int = 0
    first: Point | None = None
    last: Point | None = None
    each: int = 1
    """How many points a stretch has."""
    stretches: list[Stretch] = field(default_factory=list)

    def add(self, point: Point) -> None:
        """Take the next point; one that is no finite number is in no stretch."""
        self.count += 1
        self.first = self.first or point
        self.last = point
        if not math.isfinite(point.value):
            return
        fresh = [1, point.write()]
        if self.stretches and self.stretches[-1][0] < self.each:
            self.stretches[-1] = _joined(self.stretches[-1], fresh)
            return
        self.stretches.append(fresh)
        if len(self.stretches) >= self._most:
            self._halve()

    @property
    def _most(self) -> int:
        """How many stretches there may be: one of a single point has one, others have two."""
        return MOST_POINTS if self.each == 1 else MOST_POINTS // 2

    def _halve(self) -> None:
        self.each *= 4 if self.each == 1 else 2
        whole: list[Stretch] = []
        for stretch in self.stretches:
            if whole and whole[-1][0] + stretch[0] <= self.each:
                whole[-1] = _joined(whole[-1], stretch)
            else:
                whole.append(stretch)
        self.stretches = whole

    @property
    def points(self) -> tuple[Point, ...]:
        """What is kept of it, in order, finite numbers alone."""
        kept = []
        for _, *pair in self.stretches:
            # Of two of one moment the lower step was first.
            kept += [Point(*one) for one in sorted(pair, key=_order)]
        for end, place in ((self.first, 0), (self.last, len(kept) + 1)):
            if end is not None and math.isfinite(end.value) and end not in kept[-2:] + kept[:2]:
                kept.insert(place, end)
        return tuple(kept)

    @property
    def finite_last(self) -> float | None:
        """The last value; None: it is no finite number."""
        last = self.last
        return last.value if last is not None and math.isfinite(last.value) else None

    @property
    def low(self) -> Point | None:
        """The lowest finite point."""
        found = min((one[1] for one in self.stretches), key=_value, default=None)
        return found and Point(*found)

    @property
    def high(self) -> Point | None:
        """The highest finite point."""
        found = max((one[-1] for one in self.stretches), key=_value, default=None)
        return found and Point(*found)

    def write(self) -> dict[str, Any]:
        """Return what `read` reads."""
        return {
            "count": self.count,
            "each": self.each,
            "first": self.first and self.first.write(),
            "last": self.last and self.last.write(),
            "stretches": self.stretches,
        }

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self:
        """Return the course that `write` wrote."""
        return cls(
            count=said["count"],
            each=said["each"],
            first=Point.read(said["first"]),
            last=Point.read(said["last"]),
            stretches=list(said["stretches"]),
        )


def _value(point: list[Any]) -> float:
    return float(point[1])


def _order(point: list[Any]) -> tuple[float, int]:
    return point[2], point[0]


@dataclass(frozen=True, slots=True)
class Tracked:
    """All that the code of a run told of itself, by name.

    Attributes:
        at: the last event that is in it; 0: none.
    """

    at: int = 0
    metrics: dict[str, Course] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.metrics or self.params or self.tags)


@dataclass(slots=True)
class Told:
    """What events tell, gathered from them."""

    at: int = 0
    metrics: dict[str, list[Point]] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def told_by(events: Iterable[Mapping[str, Any]], *, after: int) -> Told:
    """Return what events after the event `after` tell; what cannot be read is passed over."""
    told = Told(at=after)
    for event in events:
        kind, number, name = event.get("kind"), event.get("n", 0), event.get("name")
        if kind not in KINDS or number <= after:
            continue
        told.at = max(told.at, number)
        if not isinstance(name, str) or not name or "\0" in name or len(name) > LONGEST_NAME:
            continue
        name = _storable(name)
        if kind == METRIC:
            said = event.get("points")
            points = map(Point.read, said if isinstance(said, list) else ())
            told.metrics.setdefault(name, []).extend(point for point in points if point)
        elif isinstance(event.get("value"), str):
            values = told.params if kind == PARAM else told.tags
            values[name] = _storable(event["value"].replace("\0", ""))[:LONGEST_VALUE]
    return told


def _storable(text: str) -> str:
    # Half of a pair of signs is no sign: programs write such, and no database takes it.
    return text.encode("utf-8", "replace").decode()
