"""What a sweep goes over: read from lines, bounded, each combination once."""

from typing import Any

import pytest

from machinelabs_hub.labs.models.sweep import (
    BadSweep,
    check_different,
    check_grid,
    combinations,
    grid_in,
)


def test_lines_hold_texts_between_commas_or_a_list_in_json() -> None:
    text = '\nrate = 0.1, 0.01,\n--name=["a,b", "c"]\nlayers = [[64, 32], [8]]\n'
    assert grid_in(text) == {
        "rate": ["0.1", "0.01"],
        "name": ["a,b", "c"],
        "layers": [[64, 32], [8]],
    }


def test_each_combination_comes_once_and_the_last_parameter_changes_fastest() -> None:
    found = list(combinations({"a": [1, 2], "b": ["x", "y"]}))
    assert found == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}]


@pytest.mark.parametrize(
    ("grid", "given", "said"),
    [
        ({}, {}, "needs a parameter with several values"),
        ({"a": []}, {}, "`a` has no values"),
        ({"a": [1, 2]}, {"a": 1}, "one value and several"),
        ({"a": [1] * 8, "b": [1] * 8}, {}, "These are 64 runs; a sweep makes at most 50"),
        ({"a": [1] * 10**6, "b": [1] * 10**6}, {}, "These are 1,000,000,000,000 runs"),
        ({str(n): [1] for n in range(11)}, {}, "at most 10 parameters"),
    ],
)
def test_a_grid_that_makes_no_runs_or_too_many_is_refused(
    grid: dict[str, list[Any]], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadSweep, match=said):
        check_grid(grid, given, 50)


def test_a_value_that_comes_twice_is_refused() -> None:
    check_different({"a": [1, True, "1"]})
    with pytest.raises(BadSweep, match=r"`a` has the value 0\.1 twice"):
        check_different({"a": [0.1, 0.2, 0.1]})


@pytest.mark.parametrize(
    ("text", "said"),
    [("rate 0.1", "has no values"), ("= 1, 2", "has no values"), ("a = 1\na = 2", "two lines")],
)
def test_lines_that_say_nothing_are_refused(text: str, said: str) -> None:
    with pytest.raises(BadSweep, match=said):
        grid_in(text)
