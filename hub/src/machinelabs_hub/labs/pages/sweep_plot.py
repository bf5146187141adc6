"""What the runs of a sweep measured over one of its parameters, as inline SVG. Pure geometry."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from machinelabs_hub.labs.models.values import measured, said

WIDTH: Final = 480
HEIGHT: Final = 240
LEFT: Final = 56
RIGHT: Final = 12
TOP: Final = 12
BOTTOM: Final = 32
SERIES: Final = 6
"""So many colours there are; the series behind them have the last one."""
_LINES: Final = 4
_LARGEST: Final = 1e100
_MANY: Final = 50
"""A parameter whose largest value is so many times its smallest has a logarithmic axis."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A run; `words` are shown on hover."""

    x: float
    y: float
    series: int
    number: int
    words: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A word on an axis, at `at` along it."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class SweepPlot:
    """A metric over a parameter: a line for each combination of the other parameters."""

    metric: str
    over: str
    dots: tuple[Dot, ...]
    lines: tuple[tuple[int, str], ...]
    """Series and the `points` of its polyline."""
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    keys: tuple[str, ...]
    """What each series is."""
    summary: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A run for a plot: its values, and the metric."""

    number: int
    values: Mapping[str, Any]
    metric: float


def is_number(value: Any) -> bool:
    """Tell whether a value has a place on an axis."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def plot(metric: str, over: str, runs: Sequence[Measured], others: Sequence[str]) -> SweepPlot:
    """Return the plot of a metric.

    Args:
        metric: its name.
        over: the parameter along the axis; each run has a number of it, or text.
        runs: those that measured it, at least one.
        others: the other parameters that differ between runs.
    """
    xs = _places([one.values.get(over) for one in runs])
    rows = _rows([one.metric for one in runs])
    low, high = rows[0], rows[-1]
    room = HEIGHT - TOP - BOTTOM
    keys = list(dict.fromkeys(_key(one, others) for one in runs))
    dots = []
    for one, x in zip(runs, xs, strict=True):
        y = TOP + (high - one.metric) / (high - low) * room
        what = (
            f"#{one.number}: {over} {said(one.values.get(over))}, {metric} {measured(one.metric)}"
        )
        key = _key(one, others)
        words = f"{what} ({key})" if key else what
        series = min(keys.index(key), SERIES - 1)
        dots.append(Dot(round(x, 1), round(y, 1), series, one.number, words))
    by_key = [[dot for one, dot in zip(runs, dots, strict=True) if _key(one, others) == key]
              for key in keys]  # fmt: skip
    lines = tuple(
        (some[0].series, " ".join(f"{dot.x},{dot.y}" for dot in sorted(some, key=lambda d: d.x)))
        for some in by_key
        if len(some) > 1
    )
    best, worst = min(runs, key=lambda one: one.metric), max(runs, key=lambda one: one.metric)
    return SweepPlot(
        metric,
        over,
        tuple(dots),
        lines,
        tuple(
            Tick(round(TOP + (high - value) / (high - low) * room, 1), f"{value:.4g}")
            for value in rows
        ),
        _columns([one.values.get(over) for one in runs], xs),
        tuple(keys) if len(keys) > 1 else (),
        f"{metric} over {over} of {len(runs)} runs: lowest {measured(best.metric)} in run "
        f"#{best.number}, highest {measured(worst.metric)} in run #{worst.number}.",
    )


def _key(one: Measured, others: Sequence[str]) -> str:
    return ", ".join(f"{name} {said(one.values.get(name))}" for name in others)


def _places(values: Sequence[Any]) -> list[float]:
    """Return where values stand along the axis: numbers by size, others in their order."""
    room = WIDTH - LEFT - RIGHT
    if not all(map(is_number, values)):
        known = list(dict.fromkeys(map(said, values)))
        step = room / len(known)
        return [LEFT + step * (known.index(said(value)) + 0.5) for value in values]
    scale = math.log if min(values) > 0 and max(values) / min(values) >= _MANY else float
    low, high = scale(min(values)), scale(max(values))
    width = high - low
    inner = room - 2 * 16
    return [
        LEFT + 16 + ((scale(value) - low) / width * inner if width > 0 else inner / 2)
        for value in values
    ]


def _rows(values: Sequence[float]) -> list[float]:
    """Return round numbers around values, at least two, the lowest first."""
    low, high = min(values), max(values)
    most = max(abs(low), abs(high))
    # What differs in the last digits alone would have no round numbers between.
    span = high - low if high - low > most * 1e-12 else most
    span = max(span, 1 / _LARGEST)
    size = 10 ** math.floor(math.log10(span / _LINES))
    step = size * next(part for part in (1, 2, 5, 10) if size * part * _LINES >= span)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [place * step for place in range(first, max(last, first + 1) + 1)]


def _columns(values: Sequence[Any], xs: Sequence[float]) -> tuple[Tick, ...]:
    """Return the words below the axis, as many as find room."""
    found: list[Tick] = []
    for x, words in sorted(
        {round(x, 1): said(value) for value, x in zip(values, xs, strict=True)}.items()
    ):
        if not found or x - found[-1].at >= 3.5 * (len(found[-1].words) + len(words)) + 6:
            found.append(Tick(x, words[:16]))
    return tuple(found)
