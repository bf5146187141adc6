"""What differs between runs: values, what they measured, and what they put out. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.models.run import RunOutput
from machinelabs_hub.labs.models.values import said

FEWEST: Final = 2
MOST: Final = 8
"""Runs that are compared at once."""


class BadComparison(BadInput):
    """Too few runs to compare, or too many."""

    code = "bad_comparison"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of each run; None: that run does not say it.

    Attributes:
        words: the values as people read them; empty where there is none.
    """

    name: str
    values: tuple[Any, ...]
    words: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether not all runs have the same."""
        return len(set(map(_key, self.values))) > 1


@dataclass(frozen=True, slots=True)
class OutputRow:
    """A file of the same path that some of the runs put out; None: that one did not."""

    path: str
    files: tuple[RunOutput | None, ...]

    @property
    def differs(self) -> bool:
        """Whether not all runs have the same."""
        return len({file and file.sha256 for file in self.files}) > 1


def check_numbers(numbers: Iterable[int]) -> tuple[int, ...]:
    """Return the runs that are to be compared, each once.

    Raises:
        BadComparison: there are too few or too many.
    """
    chosen = tuple(dict.fromkeys(numbers))
    if not FEWEST <= len(chosen) <= MOST:
        raise BadComparison(f"Choose {FEWEST} to {MOST} runs to compare them.")
    return chosen


def rows_of(told: Sequence[Mapping[str, Any]], say: Callable[[Any], str] = said) -> tuple[Row, ...]:
    """Return a row for each name that a run tells, those that differ first."""
    rows = []
    for name in dict.fromkeys(name for one in told for name in one):
        values = tuple(one.get(name) for one in told)
        words = tuple("" if value is None else say(value) for value in values)
        rows.append(Row(name, values, words))
    return tuple(sorted(rows, key=lambda row: not row.differs))


def outputs_of(held: Sequence[Iterable[RunOutput]]) -> tuple[OutputRow, ...]:
    """Return a row for each path, those that differ first."""
    known = [{file.path: file for file in files} for files in held]
    paths = sorted({path for files in known for path in files})
    rows = [OutputRow(path, tuple(files.get(path) for files in known)) for path in paths]
    return tuple(sorted(rows, key=lambda row: not row.differs))


def _key(value: Any) -> str:
    # 1 and 1.0 are the same number, and True is none.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)
