"""A sweep: runs of one revision, one for each combination of several values. Pure."""

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from machinelabs_hub.errors import BadInput
from machinelabs_hub.names import shown

MOST_NAMES: Final = 10

Grid = Mapping[str, Sequence[Any]]


class BadSweep(BadInput):
    """A sweep is asked for that makes no runs, or too many."""

    code = "bad_sweep"


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep as its row has it.

    Attributes:
        number: within its lab.
        lab: `owner/name` of its lab now.
        grid: the values of each parameter that has several, by name.
    """

    id: int
    number: int
    lab: str
    name: str
    revision: int
    path: str
    grid: dict[str, list[Any]]
    created_at: datetime


def check_grid(grid: Grid, given: Mapping[str, Any], most: int) -> None:
    """Refuse a grid that cannot be ordered.

    Raises:
        BadSweep: says why.
    """
    if not grid:
        raise BadSweep("A sweep needs a parameter with several values.")
    if len(grid) > MOST_NAMES:
        raise BadSweep(f"A sweep goes over at most {MOST_NAMES} parameters.")
    for name, values in grid.items():
        if not values:
            raise BadSweep(f"`{shown(name)}` has no values to go over.")
        if name in given:
            raise BadSweep(
                f"`{shown(name)}` is given one value and several. Leave one of them out."
            )
    count = math.prod(len(values) for values in grid.values())
    if count > most:
        raise BadSweep(f"These are {count:,} runs; a sweep makes at most {most}.")


def combinations(grid: Grid) -> Iterator[dict[str, Any]]:
    """Yield each combination of the values; those of the last name change fastest."""
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def check_different(grid: Grid) -> None:
    """Refuse a value that a parameter has twice, once both were read as its kind.

    Raises:
        BadSweep: names it.
    """
    for name, values in grid.items():
        seen = set()
        for value in values:
            text = json.dumps(value, sort_keys=True)
            if text in seen:
                raise BadSweep(f"`{name}` has the value {shown(text)} twice.")
            seen.add(text)


def values_in(text: str) -> list[Any]:
    """Return the values that people write: a list in JSON, or texts between commas."""
    bare = text.strip()
    if bare.startswith("["):
        try:
            found = json.loads(bare)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return found
    return [part.strip() for part in bare.split(",") if part.strip()]


def grid_in(text: str) -> dict[str, list[Any]]:
    """Return what a form's lines say: `rate = 0.1, 0.01`.

    Raises:
        BadSweep: a line has no values, or names a parameter again.
    """
    grid: dict[str, list[Any]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, values = line.partition("=")
        name = name.strip().removeprefix("--")
        if not equals or not name:
            raise BadSweep(f"“{shown(line)}” has no values. Write NAME = VALUE, VALUE, one a line.")
        if name in grid:
            raise BadSweep(f"`{shown(name)}` has two lines. Write all its values on one.")
        grid[name] = values_in(values)
    return grid
