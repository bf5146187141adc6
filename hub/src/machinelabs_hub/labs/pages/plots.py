"""Plots as inline SVG that needs no script: where bars, lines and words stand. Pure geometry."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 180
LEFT: Final = 40
BOTTOM: Final = 24
TOP: Final = 8
SERIES: Final = 6
"""So many colours there are; further series have the last one."""

SPARK_WIDTH: Final = 120
SPARK_HEIGHT: Final = 28

_MOST_LABELS: Final = 8
_STEPS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_LINES: Final = 4
_GAP_SECONDS: Final = 90
"""Minutes that are further apart are not joined."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of a day's bar; `words` are shown on hover."""

    x: float
    y: float
    width: float
    height: float
    series: int
    words: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word on an axis, at `at` along it."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Stacked bars by day: draw it with `parts_plots.html`."""

    title: str
    bars: tuple[Bar, ...]
    lines: tuple[Mark, ...]
    days: tuple[Mark, ...]
    series: tuple[str, ...]
    summary: str
    """What a screen reader reads in place of the picture."""


@dataclass(frozen=True, slots=True)
class Spark:
    """A small line of percents over time; where nothing is known it has a gap."""

    lines: tuple[str, ...]
    """The `points` of polylines."""
    summary: str


def spark(values: Mapping[datetime, float], begin: datetime, end: datetime) -> Spark:
    """Return the line of the percents of minutes between two times."""
    known = sorted(at for at in values if begin <= at <= end)
    length = (end - begin).total_seconds()
    lines: list[list[str]] = []
    for number, at in enumerate(known):
        if not number or (at - known[number - 1]).total_seconds() > _GAP_SECONDS:
            lines.append([])
        x = (at - begin).total_seconds() / length * SPARK_WIDTH
        y = 1 + (1 - min(100.0, values[at]) / 100) * (SPARK_HEIGHT - 2)
        lines[-1].append(f"{x:.1f},{y:.1f}")
    if not known:
        return Spark((), "Its use was not measured.")
    mean = sum(values[at] for at in known) / len(known)
    return Spark(
        # A line needs two ends.
        tuple(" ".join(line if len(line) > 1 else line * 2) for line in lines),
        f"Use in the last hour: {mean:.0f} % on average, {max(values[at] for at in known):.0f} % "
        "at most.",
    )


def bars_by_day(
    title: str, days: Sequence[date], values: Mapping[tuple[date, str], float], *, unit: str
) -> Plot:
    """Return stacked bars, a bar for each of `days`.

    Args:
        title: what it shows.
        days: all days from left to right, with use or not.
        values: by day and series.
        unit: what the values are, e.g. `hours`.
    """
    series = tuple(sorted({name for _, name in values}))
    sums = {day: sum(values.get((day, name), 0.0) for name in series) for day in days}
    top = max(sums.values(), default=0.0)
    step = next((step for step in _STEPS if top <= step * _LINES), math.ceil(top / _LINES) or 1)
    most = step * max(1, math.ceil(top / step - 1e-9))
    room, slot = HEIGHT - BOTTOM - TOP, (WIDTH - LEFT) / max(1, len(days))
    bars = []
    for place, day in enumerate(days):
        y = float(HEIGHT - BOTTOM)
        for index, name in enumerate(series):
            value = values.get((day, name), 0.0)
            height = value / most * room
            y -= height
            if value:
                words = f"{day:%-d %B}, {name}: {value:.1f} {unit}"
                x = LEFT + (place + 0.15) * slot
                bars.append(
                    Bar(round(x, 1), round(y, 1), round(slot * 0.7, 1), round(height, 1),
                        min(index, SERIES - 1), words)
                )  # fmt: skip
    every = max(1, math.ceil(len(days) / _MOST_LABELS))
    return Plot(
        title=title,
        bars=tuple(bars),
        lines=tuple(
            Mark(round(HEIGHT - BOTTOM - n * step / most * room, 1), f"{n * step:g}")
            for n in range(round(most / step) + 1)
        ),
        days=tuple(
            Mark(round(LEFT + (place + 0.5) * slot, 1), f"{day:%-d %b}")
            for place, day in enumerate(days)
            if place % every == 0
        ),
        series=series,
        summary=f"{title}: {sum(sums.values()):.1f} {unit} on "
        f"{sum(1 for value in sums.values() if value)} of {len(days)} days.",
    )
