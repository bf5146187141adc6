"""Figures for Prometheus, and its text form of them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]
"""Names and values."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How what was measured of one thing is spread: how often it was at most so much."""

    at_most: Mapping[float, int]
    """How often, by the bound; what is below one bound is below the next too."""
    count: int
    """How often in all."""
    sum: float


@dataclass(frozen=True, slots=True)
class Family:
    """One thing that is measured, by labels; of a histogram each value is a `Spread`."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    values: Mapping[Labels, float | Spread]


def exposition(families: Iterable[Family]) -> str:
    """Return what Prometheus reads."""
    lines: list[str] = []
    for family in families:
        lines.append(f"# HELP {family.name} {family.help}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        for labels in sorted(family.values):
            lines += _lines(family.name, labels, family.values[labels])
    return "\n".join([*lines, ""])


def _lines(name: str, labels: Labels, value: float | Spread) -> Iterator[str]:
    if not isinstance(value, Spread):
        yield f"{name}{_labels(labels)} {value:.17g}"
        return
    for bound, number in sorted(value.at_most.items()):
        yield f"{name}_bucket{_labels((*labels, ('le', f'{bound:g}')))} {number}"
    yield f"{name}_bucket{_labels((*labels, ('le', '+Inf')))} {value.count}"
    yield f"{name}_sum{_labels(labels)} {value.sum:.17g}"
    yield f"{name}_count{_labels(labels)} {value.count}"


def _labels(labels: Labels) -> str:
    written = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{written}}}" if written else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
