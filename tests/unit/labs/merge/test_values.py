"""JSON merges by key; where both changed one value, mine stands and theirs is told."""

from typing import Any

import pytest

from machinelabs_hub.labs.merge.values import MISSING, merge_value, same


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "merged"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, {"a": 1, "c": 3}, {"a": 1, "b": 2, "c": 3}),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 1}}, {"a": {"b": 1, "c": 2}},
         {"a": {"b": 2, "c": 2}}),
        ({"tags": ["a", "b"]}, {"tags": ["a", "b", "m"]}, {"tags": ["b", "t"]},
         {"tags": ["b", "m", "t"]}),
        ({"a": 1}, {}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": 2}, {}, {"a": 2}),
        ({"a": 1}, {}, {"a": 1}, {}),
        ({}, {"tags": ["m"]}, {"tags": ["t"]}, {"tags": ["m", "t"]}),
    ],
)  # fmt: skip
def test_changes_of_different_keys_merge(base: Any, mine: Any, theirs: Any, merged: Any) -> None:
    done = merge_value(base, mine, theirs)
    assert (done.value, done.clashes) == (merged, {})


def test_a_clash_tells_what_theirs_said_and_where() -> None:
    done = merge_value({"a": {"x/y": 1}}, {"a": {"x/y": 2}}, {"a": {"x/y": 3}})
    assert done.value == {"a": {"x/y": 2}}
    assert done.clashes == {"/a/x~1y": 3}


def test_what_python_takes_for_one_json_keeps_apart() -> None:
    assert not same(1, True)  # noqa: FBT003
    assert not same(1, 1.0)
    assert same(float("nan"), float("nan"))
    assert merge_value(1, 1, True).value is True  # noqa: FBT003
    assert merge_value(MISSING, MISSING, 0).value == 0
