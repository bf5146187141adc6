"""Cursors of lists."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.models.cursor import BadCursor, Cursor, read_cursor, write_cursor
from machinelabs_hub.labs.models.page import Sort


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 2**62 - 1))
def test_a_cursor_comes_back_as_it_was(at: datetime, row: int) -> None:
    for cursor in (Cursor(Sort.NEWEST, at, row), Cursor(Sort.FORKS, row % 1000, row)):
        assert read_cursor(write_cursor(cursor), cursor.sort) == cursor


def test_a_cursor_of_another_order_is_refused() -> None:
    with pytest.raises(BadCursor, match="order"):
        read_cursor(write_cursor(Cursor(Sort.FORKS, 1, 1)), Sort.NEWEST)


@given(st.text(max_size=100))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(text, Sort.NEWEST)
