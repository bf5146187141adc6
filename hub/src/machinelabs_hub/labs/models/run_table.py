"""Runs as rows of a table, parameters and last values of metrics as columns. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from machinelabs_hub.labs.models.run import Run

_HEADS: Final = ("run", "name", "state", "revision", "person", "created", "seconds")

MOST_COLUMNS: Final = 500
"""Of parameters, and of metrics: of more those that most runs have. Each run may name others."""

Row = Sequence[Any]


def table_of(
    runs: Sequence[Run],
    params: Mapping[int, Mapping[str, str]],
    last: Mapping[int, Mapping[str, float | None]],
) -> Iterator[Row]:
    """Yield the head of the table and a row for each run.

    Args:
        runs: in the order of the rows.
        params: what the code of each run logged; values that a run was given go before these.
        last: the last value of each metric; None: no finite number.
    """
    given = {run.id: dict(params[run.id]) | _texts(run.parameters) for run in runs}
    names, measured = _columns(given.values()), _columns(last.values())
    heads = [f"param {name}" for name in names] + [f"metric {name}" for name in measured]
    yield (*_HEADS, *heads)
    for run in runs:
        yield (
            run.number,
            run.name,
            run.state.value,
            run.revision,
            run.person,
            run.created_at.isoformat(),
            _seconds(run),
            *(given[run.id].get(name, "") for name in names),
            *(_number(last[run.id], name) for name in measured),
        )


def _columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    had = Counter(name for one in rows for name in one)
    return sorted(name for name, _ in had.most_common(MOST_COLUMNS))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: one if isinstance(one, str) else repr(one) for name, one in values.items()}


def _number(values: Mapping[str, float | None], name: str) -> float | str:
    if name not in values:
        return ""
    value = values[name]
    return "nan" if value is None else value


def _seconds(run: Run) -> float | str:
    if run.running_at is None or run.ended_at is None:
        return ""
    return round((run.ended_at - run.running_at).total_seconds(), 1)
