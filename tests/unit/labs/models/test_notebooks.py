"""What is taken for a notebook."""

import json
from contextlib import suppress
from typing import Any

import nbformat.v3
import nbformat.v4
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.models.notebooks import BadNotebook, check_notebook


def book(**changes: Any) -> bytes:
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []} | changes
    return json.dumps(whole).encode()


def test_what_nbformat_writes_is_taken() -> None:
    new = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "1+1", outputs=[nbformat.v4.new_output("execute_result", {"text/plain": "2"})]
            ),
            nbformat.v4.new_markdown_cell("# x"),
            nbformat.v4.new_raw_cell("x"),
        ]
    )
    check_notebook("a.ipynb", nbformat.v4.writes(new).encode())
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell("1+1")])]
    )
    old.metadata = nbformat.v3.new_metadata("x")
    check_notebook("a.ipynb", nbformat.v3.writes_json(old).encode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"cells": [}', "breaks at line 1, column 12"),
        (b"", "breaks at line 1, column 1"),
        (b"\xff\xff", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"[]", "does not say its format"),
        (book(nbformat=2), "its format is 2"),
        (book(metadata=None), "`metadata` are not an object"),
        (book(cells=None), "no list of cells"),
        (book(cells=[{}]), "cell 1 has no type"),
        (book(cells=[{"cell_type": "markdown"}]), "cell 1 has no text"),
        (book(cells=[{"cell_type": "markdown", "source": 1}]), "cell 1 has no text"),
        (book(cells=[{"cell_type": "code", "source": ""}]), "no list of outputs"),
        (
            book(cells=[{"cell_type": "code", "source": [], "outputs": [{}]}]),
            "an output without a type",
        ),
        (book(nbformat=3), "no list of worksheets"),
    ],
)
def test_what_is_no_notebook_is_refused_with_the_place(content: bytes, said: str) -> None:
    with pytest.raises(BadNotebook, match=said):
        check_notebook("a.ipynb", content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["cells", "cell_type", "source", "outputs", "metadata", "nbformat", "data"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(
    st.dictionaries(st.sampled_from(["cells", "metadata", "worksheets"]), JSON),
    st.sampled_from([3, 4]),
)
def test_no_json_breaks_the_check(values: dict[str, Any], number: int) -> None:
    with suppress(BadNotebook):
        check_notebook("a.ipynb", json.dumps(values | {"nbformat": number}).encode())
