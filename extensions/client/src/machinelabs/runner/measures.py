"""What the code measures, from many threads at once, until the feed takes it; never too much."""

import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

MOST_NAMES: Final = 1000
"""Metrics of one run; parameters and tags, each, too."""

LONGEST_NAME: Final = 250
LONGEST_VALUE: Final = 6000
MOST_WAITING: Final = 2000
"""Points of one metric that wait; of more the lowest and the highest are kept."""

PLENTY: Final = 20_000
"""After so many points of a metric only a few of each look are told."""

FEW: Final = 6
AT_ONCE: Final = 500

Point = tuple[int, float, float]
"""Step, value, seconds since 1970."""


class TooMuch(Exception):
    """A name or a value that is not kept; the text is for people."""


class Measures:
    """Points of metrics, parameters and tags that wait to be told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: dict[str, list[Point]] = {}
        self._told: dict[str, int] = {}
        self._values: dict[str, dict[str, str]] = {"param": {}, "tag": {}}
        self._new: dict[tuple[str, str], str] = {}

    def metric(self, name: str, value: float, step: int = 0, at: float | None = None) -> None:
        """Take a value of a metric.

        Raises:
            TooMuch: the name is too long, or there are too many metrics.
        """
        check_name(name)
        point = (step, value, time.time() if at is None else at)
        with self._lock:
            if name not in self._told:
                if len(self._told) >= MOST_NAMES:
                    raise TooMuch(f"A run has at most {MOST_NAMES} metrics; “{name}” is one more.")
                self._told[name] = 0
            waiting = self._points.setdefault(name, [])
            waiting.append(point)
            if len(waiting) > MOST_WAITING:
                self._points[name] = fewer(waiting, MOST_WAITING // 2)

    def value(self, kind: str, name: str, value: str) -> None:
        """Take a `param` or a `tag`; the same name again takes its place.

        Raises:
            TooMuch: the name or the value is too long, or there are too many.
        """
        check_name(name)
        if len(value) > LONGEST_VALUE:
            raise TooMuch(
                f"The value of “{name}” has {len(value):,} characters; {LONGEST_VALUE:,} are kept."
            )
        with self._lock:
            known = self._values[kind]
            if name not in known and len(known) >= MOST_NAMES:
                raise TooMuch(f"A run has at most {MOST_NAMES} {kind}s; “{name}” is one more.")
            if known.get(name) != value:
                known[name] = self._new[kind, name] = value

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the events that tell what is new, as kind and fields."""
        with self._lock:
            new, self._new = self._new, {}
            points, self._points = self._points, {}
            events: list[tuple[str, dict[str, Any]]] = [
                (kind, {"name": name, "value": value}) for (kind, name), value in new.items()
            ]
            for name, waiting in points.items():
                kept = waiting if self._told[name] < PLENTY else fewer(waiting, FEW)
                self._told[name] += len(kept)
                for start in range(0, len(kept), AT_ONCE):
                    some = [[step, _said(value), round(at, 3)]
                            for step, value, at in kept[start : start + AT_ONCE]]  # fmt: skip
                    events.append(("metric", {"name": name, "points": some}))
            return events


def check_name(name: str) -> None:
    """Refuse a name that is empty, too long, or no text.

    Raises:
        TooMuch: with the reason.
    """
    if not name or "\0" in name:
        raise TooMuch("A metric, a parameter or a tag needs a name.")
    if len(name) > LONGEST_NAME:
        raise TooMuch(f"The name “{name[:40]}…” is longer than {LONGEST_NAME} characters.")


def fewer(points: Sequence[Point], most: int) -> list[Point]:
    """Return at most so many of these points: of each stretch the lowest and the highest."""
    if len(points) <= most:
        return list(points)
    stretches = max(1, (most - 2) // 2)
    length = -(-len(points) // stretches)
    kept = {0, len(points) - 1}
    for start in range(0, len(points), length):
        places = range(start, min(start + length, len(points)))
        finite = [place for place in places if math.isfinite(points[place][1])]
        for choose in (min, max):
            if finite:
                kept.add(choose(finite, key=lambda place: points[place][1]))
    return [points[place] for place in sorted(kept)]


def _said(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
