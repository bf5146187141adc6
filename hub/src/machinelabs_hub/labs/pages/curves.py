"""Curves of metrics as inline SVG that needs no script: where lines and words stand. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from machinelabs_hub.labs.models.sizes import duration
from machinelabs_hub.labs.models.tracking import Course, Point
from machinelabs_hub.labs.models.values import measured

WIDTH: Final = 280
HEIGHT: Final = 96
EDGE: Final = 4
_MOST: Final = 240
"""Points of a line: more than a screen has between its ends are not seen."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric, drawn and in words: draw it with `parts_curves.html`."""

    name: str
    line: str
    """The `points` of a polyline; empty: there are fewer than two."""
    last: str
    low: str
    high: str
    range: str
    begin: str
    end: str
    count: int
    steps: str
    """The last step, or how long it took where the code does not count."""
    summary: str
    """What a screen reader reads in place of the picture."""


def curve_of(name: str, course: Course) -> Curve:
    """Return the curve of a metric, over steps, or over time where all steps are the same."""
    points = thinned(course.points)
    counts = len({point.step for point in points}) > 1
    last = measured(course.last.value) if course.last else ""
    low, high = (measured(one.value) if one else "–" for one in (course.low, course.high))
    values = "one value" if course.count == 1 else f"{course.count:,} values"
    begin, end = _ends(points, is_counted=counts)
    return Curve(
        name=name,
        line=_line(points, is_counted=counts),
        last=last,
        low=low,
        high=high,
        range=low if low == high else f"{low} to {high}",
        begin=begin,
        end=end,
        count=course.count,
        steps=f"{course.last.step:,}" if counts and course.last else "",
        summary=f"{name}: {values}, the last is {last}, the lowest {low}, the highest {high}.",
    )


def thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Return at most so many points as a curve shows: the lowest and highest of each stretch."""
    if len(points) <= _MOST:
        return points
    length = math.ceil(len(points) / (_MOST // 2 - 1))
    kept = {0, len(points) - 1}
    for start in range(0, len(points), length):
        places = range(start, min(start + length, len(points)))
        kept.add(min(places, key=lambda place: points[place].value))
        kept.add(max(places, key=lambda place: points[place].value))
    return [points[place] for place in sorted(kept)]


def _line(points: Sequence[Point], *, is_counted: bool) -> str:
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    along = [point.step if is_counted else point.at for point in points]
    left, width = min(along), max(along) - min(along)
    low = min(point.value for point in points)
    height = max(point.value for point in points) - low
    if not math.isfinite(height):
        return ""
    said = []
    for place, (x, point) in enumerate(zip(along, points, strict=True)):
        # Values of one moment stand side by side, and a flat line in the middle.
        right = (x - left) / width if width else place / (len(points) - 1)
        up = (point.value - low) / height if height else 0.5
        said.append(
            f"{EDGE + right * (WIDTH - 2 * EDGE):.1f},"
            f"{HEIGHT - EDGE - up * (HEIGHT - 2 * EDGE):.1f}"
        )
    return " ".join(said)


def _ends(points: Sequence[Point], *, is_counted: bool) -> tuple[str, str]:
    if len(points) < 2:  # noqa: PLR2004
        return "", ""
    if is_counted:
        return f"step {points[0].step:,}", f"{max(point.step for point in points):,}"
    return "start", duration(points[-1].at - points[0].at)
