"""Where the dots and lines of a sweep's plot stand."""

import pytest

from machinelabs_hub.labs.pages.sweep_plot import HEIGHT, LEFT, WIDTH, Measured, is_number, plot


def test_dots_stand_by_size_and_lines_join_the_runs_of_the_same_other_values() -> None:
    runs = [
        Measured(number, {"rate": rate, "kind": kind}, loss)
        for number, (rate, kind, loss) in enumerate(
            [(0.2, "a", 0.5), (0.1, "a", 0.9), (0.4, "a", 0.1), (0.1, "b", 0.3), (0.4, "b", 0.2)], 1
        )
    ]
    made = plot("loss", "rate", runs, ["kind"])
    x = {dot.number: dot.x for dot in made.dots}
    y = {dot.number: dot.y for dot in made.dots}
    assert x[2] == x[4] < x[1] < x[3] == x[5]
    assert abs((x[1] - x[2]) * 2 - (x[3] - x[1])) < 0.2
    assert y[3] > y[5] > y[4] > y[1] > y[2]
    assert made.keys == ("kind a", "kind b")
    assert [series for series, _ in made.lines] == [0, 1]
    assert made.lines[0][1].split(" ")[0] == f"{x[2]},{y[2]}"
    assert made.summary.startswith("loss over rate of 5 runs: lowest 0.1 in run #3")
    assert all(LEFT <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in made.dots)


@pytest.mark.parametrize(
    "values",
    [(0.0, 0.0), (-3.0, 7.0), (1e-300, 0.0), (1e99, -1e99), (1e15, 1e15 + 1), (0.1, 0.1 + 1e-16)],
)
def test_any_numbers_have_a_place_between_round_ones(values: tuple[float, float]) -> None:
    made = plot("m", "n", [Measured(n, {"n": n}, value) for n, value in enumerate(values)], [])
    assert all(-0.1 <= dot.y <= HEIGHT for dot in made.dots)
    assert 2 <= len(made.rows) <= 8


def test_numbers_that_are_none_or_too_large_have_no_place() -> None:
    assert [is_number(value) for value in (1, 0.5, True, "1", None, float("nan"), 1e200)] == [
        True, True, False, False, False, False, False,
    ]  # fmt: skip


def test_values_of_many_sizes_have_a_logarithmic_axis_and_texts_their_order() -> None:
    rates = plot("m", "rate", [Measured(n, {"rate": 10.0**-n}, n) for n in range(3)], [])
    xs = sorted(dot.x for dot in rates.dots)
    assert abs((xs[1] - xs[0]) - (xs[2] - xs[1])) < 0.2
    kinds = plot("m", "kind", [Measured(n, {"kind": k}, 1.0) for n, k in enumerate("ba")], [])
    assert [tick.words for tick in kinds.columns] == ["b", "a"]
    assert len({dot.y for dot in kinds.dots}) == 1
