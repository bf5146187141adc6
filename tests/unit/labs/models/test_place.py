"""Cursors of numbered lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.models.cursor import BadCursor
from machinelabs_hub.labs.models.place import read_path, read_place, write_place


@given(st.integers(0, 2**31 - 1))
def test_a_place_comes_back_as_it_was(number: int) -> None:
    assert read_place(write_place("revisions", number), "revisions") == number


def test_a_place_of_another_list_is_refused() -> None:
    with pytest.raises(BadCursor):
        read_place(write_place("proposals", 3), "revisions")


@given(st.text(max_size=100))
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        read_place(text, "revisions")


def test_a_path_is_read_back_and_is_no_number() -> None:
    cursor = write_place("outputs", "models/ä b.bin")
    assert read_path(cursor, "outputs") == "models/ä b.bin"
    for text, name in ((cursor, "runs"), (write_place("outputs", 3), "outputs"), ("x", "outputs")):
        with pytest.raises(BadCursor):
            read_path(text, name)
    with pytest.raises(BadCursor):
        read_place(cursor, "outputs")
