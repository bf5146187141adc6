"""Stripping what running left."""

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import v4

from machinelabs.notebooks import BrokenNotebook, strip_outputs

texts = st.text(max_size=60)
cells = st.lists(
    st.one_of(
        st.builds(v4.new_markdown_cell, texts),
        st.builds(
            lambda source, count, output: v4.new_code_cell(
                source,
                execution_count=count,
                outputs=[v4.new_output("stream", text=output)],
                metadata={"execution": {"iopub.execute_input": "now"}, "tags": ["kept"]},
            ),
            texts,
            st.integers(1, 99),
            texts,
        ),
    ),
    max_size=6,
)


def encoded(book: Any) -> bytes:
    text: str = nbformat.writes(book)
    return text.encode(errors="replace")


@given(cells)
def test_stripping_keeps_every_source_and_is_valid(found: list[Any]) -> None:
    book = v4.new_notebook(
        cells=found, metadata={"kernelspec": {"name": "python3", "display_name": "P"}}
    )
    before = encoded(book)
    after = strip_outputs(before, path="x.ipynb")
    one, other = (nbformat.reads(text.decode(), as_version=4) for text in (before, after))
    nbformat.validate(other)
    assert [cell.source for cell in one.cells] == [cell.source for cell in other.cells]
    assert [cell.id for cell in one.cells] == [cell.id for cell in other.cells]
    assert one.metadata == other.metadata
    for cell in other.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            assert cell.metadata == {"tags": ["kept"]}


@given(cells)
def test_stripping_twice_changes_nothing_more(found: list[Any]) -> None:
    once = strip_outputs(encoded(v4.new_notebook(cells=found)), path="x.ipynb")
    assert strip_outputs(once, path="x.ipynb") == once


def test_format_3_is_stripped_in_its_own_words() -> None:
    cell = {
        "cell_type": "code",
        "input": "1",
        "outputs": [1],
        "prompt_number": 2,
        "language": "python",
    }
    book = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [cell]}]}
    after = json.loads(strip_outputs(json.dumps(book).encode(), path="x.ipynb"))
    assert after["worksheets"][0]["cells"][0]["outputs"] == []
    assert after["worksheets"][0]["cells"][0]["prompt_number"] is None


def test_a_lone_surrogate_survives() -> None:
    book = {"cells": [{"cell_type": "code", "source": "\ud800"}], "metadata": {}}
    after = strip_outputs(json.dumps(book).encode(), path="x.ipynb")
    assert json.loads(after)["cells"][0]["source"] == "\ud800"


@pytest.mark.parametrize(
    "content", [b"{", b"", b"[]", b"\xff\xfe\xff", b'{"cells": 1}', b"[" * 100_000]
)
def test_what_is_no_notebook_is_named_with_the_place(content: bytes) -> None:
    with pytest.raises(BrokenNotebook, match="is not a notebook") as caught:
        strip_outputs(content, path="a/bad.ipynb")
    assert "a/bad.ipynb" in str(caught.value)


def test_the_line_where_json_breaks_is_said() -> None:
    with pytest.raises(BrokenNotebook, match="line 3"):
        strip_outputs(b'{\n"cells": [\n!]}', path="x.ipynb")
