"""Merge JSON: objects by key, lists of plain values by item, all else whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""Stands for a key that is not there."""


_MOST_ITEMS: Final = 250_000
"""Pairs of items up to which lists are merged by item."""


@dataclass(frozen=True, slots=True)
class MergedValue:
    """A value that was merged; `clashes` has what theirs said, by path, where mine stands."""

    value: Any
    clashes: Mapping[str, Any] = field(default_factory=dict)


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are the same; 1, 1.0 and true are three values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other or (one != one and other != other))  # noqa: PLR0124 - not a number


def merge_value(base: Any, mine: Any, theirs: Any, path: str = "") -> MergedValue:
    """Merge two values that come from `base`; each may be `MISSING`.

    A change wins over a removal. Where both changed one value, mine stands and theirs is told.
    """
    if same(mine, theirs) or same(theirs, base):
        return MergedValue(mine)
    if same(mine, base) or mine is MISSING:
        return MergedValue(theirs)
    if theirs is MISSING:
        return MergedValue(mine)
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return _merge_objects(base if isinstance(base, dict) else {}, mine, theirs, path)
    if _is_plain(mine) and _is_plain(theirs) and len(mine) * len(theirs) <= _MOST_ITEMS:
        was = base if _is_plain(base) and len(base) <= len(mine) + len(theirs) else []
        return MergedValue(_merge_lists(was, mine, theirs))
    return MergedValue(mine, {path or "/": theirs})


def _merge_objects(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any], path: str
) -> MergedValue:
    merged: dict[str, Any] = {}
    clashes: dict[str, Any] = {}
    for key in [*mine, *(key for key in theirs if key not in mine)]:
        done = merge_value(
            base.get(key, MISSING),
            mine.get(key, MISSING),
            theirs.get(key, MISSING),
            f"{path}/{key.replace('~', '~0').replace('/', '~1')}",
        )
        clashes |= done.clashes
        if done.value is not MISSING:
            merged[key] = done.value
    return MergedValue(merged, clashes)


def _merge_lists(base: Sequence[Any], mine: Sequence[Any], theirs: Sequence[Any]) -> list[Any]:
    gone = [item for item in base if not _has(theirs, item)]
    new = [item for item in theirs if not _has(base, item) and not _has(mine, item)]
    return [item for item in mine if not _has(gone, item)] + new


def _has(items: Sequence[Any], item: Any) -> bool:
    return any(same(item, other) for other in items)


def _is_plain(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str | int | bool) for item in value)
