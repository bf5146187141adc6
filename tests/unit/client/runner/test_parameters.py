"""Values get into notebooks and scripts."""

import math

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from machinelabs.runner.parameters import arguments_of, inject, source_of


def tagged(source: str, tag: str) -> nbformat.NotebookNode:
    cell: nbformat.NotebookNode = new_code_cell(source, metadata={"tags": [tag]})
    return cell


def test_values_come_right_after_the_cell_of_defaults() -> None:
    book = new_notebook(
        cells=[new_markdown_cell("#"), tagged("a = 1", "parameters"), new_code_cell("a")]
    )
    inject(book, {"a": 2})
    assert [cell.source for cell in book.cells] == ["#", "a = 1", "# Parameters\na = 2", "a"]
    nbformat.validate(book)


def test_without_such_a_cell_they_come_first() -> None:
    book = new_notebook(cells=[new_code_cell("a")])
    inject(book, {"a": 2})
    assert [cell.source for cell in book.cells] == ["# Parameters\na = 2", "a"]


def test_values_of_an_earlier_run_are_replaced() -> None:
    book = new_notebook(
        cells=[tagged("a = 1", "parameters"), tagged("a = 9", "injected-parameters")]
    )
    inject(book, {"a": 2})
    assert [cell.source for cell in book.cells] == ["a = 1", "# Parameters\na = 2"]


def test_without_values_nothing_comes() -> None:
    book = new_notebook(cells=[new_code_cell("a")])
    inject(book, {})
    assert len(book.cells) == 1


def test_a_notebook_of_a_format_without_ids_gets_none() -> None:
    book = new_notebook(cells=[], nbformat_minor=4)
    inject(book, {"a": 2})
    nbformat.validate(book)
    assert "id" not in book.cells[0]


@pytest.mark.parametrize(
    "value",
    [1, -0.5, True, None, 'it\'s "so"\n', "é", [1, [2]], {"a": {"b": None}}, math.inf, -math.inf],
)
def test_a_value_is_the_same_in_python(value: object) -> None:
    found: dict[str, object] = {}
    exec(source_of({"value": value}), found)  # noqa: S102
    assert found["value"] == value


def test_no_number_stays_no_number() -> None:
    found: dict[str, float] = {}
    exec(source_of({"value": math.nan}), found)  # noqa: S102
    assert math.isnan(found["value"])


def test_a_script_takes_values_as_arguments() -> None:
    values = {"rate": 0.1, "name": "a b", "deep": True, "sizes": [1, 2]}
    assert arguments_of(values) == ["--rate=0.1", "--name=a b", "--deep=true", "--sizes=[1, 2]"]
