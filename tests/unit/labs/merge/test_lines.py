"""Texts merge by line; only what touches the same lines clashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.merge.align import matches
from machinelabs_hub.labs.merge.lines import merge_lines

BASE = "a\nb\nc\nd"
TEXT = st.lists(st.sampled_from(["a", "b", "c", "", "x\r"]), max_size=9).map("\n".join)


@pytest.mark.parametrize(
    ("mine", "theirs", "merged"),
    [
        ("A\nb\nc\nd", "a\nb\nc\nD", "A\nb\nc\nD"),
        ("A\nb\nc\nd", "a\nB\nc\nd", "A\nB\nc\nd"),
        ("a\nb\nc\nd\ne", "z\na\nb\nc\nd", "z\na\nb\nc\nd\ne"),
        ("a\nb\nnew\nc\nd", "a\nb\nC\nd", "a\nb\nnew\nC\nd"),
        ("a\nd", "a\nb\nc\nD", "a\nD"),
        ("a\nb\nc\nd\n", "A\nb\nc\nd", "A\nb\nc\nd\n"),
        ("a\nX\nc\nd", "a\nX\nc\nd", "a\nX\nc\nd"),
    ],
)
def test_changes_of_different_lines_merge(mine: str, theirs: str, merged: str) -> None:
    done = merge_lines(BASE, mine, theirs)
    assert (done.clashes, done.mine, done.theirs) == (0, merged, merged)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("a\nX\nc\nd", "a\nY\nc\nd"),
        ("a\nc\nd", "a\nB\nc\nd"),
        ("a\nb\nc\nd\nX", "a\nb\nc\nd\nY"),
        ("X", "Y\nb\nc\nd"),
    ],
)
def test_changes_of_the_same_lines_clash_and_keep_both(mine: str, theirs: str) -> None:
    done = merge_lines(BASE, mine, theirs)
    assert done.clashes == 1
    assert (done.mine, done.theirs) == (mine, theirs)


def test_marks_say_whose_is_whose_and_end_as_the_lines_do() -> None:
    done = merge_lines("a\r\nb\r\n", "a\r\nX\r\n", "a\r\nY\r\n")
    assert done.marked("bob/moons", "ada/moons r2") == (
        "a\r\n<<<<<<< bob/moons\r\nX\r\n=======\r\nY\r\n>>>>>>> ada/moons r2\r\n"
    )


def test_lines_that_both_added_alike_stand_once() -> None:
    done = merge_lines("a", "a\nsame\nmine", "a\nsame\ntheirs")
    assert done.clashes == 1
    assert done.mine == "a\nsame\nmine"


@given(TEXT, TEXT)
def test_one_sides_change_alone_is_the_result(base: str, other: str) -> None:
    for done in (merge_lines(base, other, base), merge_lines(base, base, other)):
        assert (done.clashes, done.mine, done.theirs) == (0, other, other)


@given(TEXT, TEXT, TEXT)
def test_it_is_the_same_from_either_side(base: str, mine: str, theirs: str) -> None:
    one, other = merge_lines(base, mine, theirs), merge_lines(base, theirs, mine)
    assert one.clashes == other.clashes
    if not one.clashes:
        assert one.mine == other.mine


@given(st.lists(st.integers(0, 4), max_size=20), st.lists(st.integers(0, 4), max_size=20))
def test_matches_are_equal_items_in_rising_order(base: list[int], other: list[int]) -> None:
    found = matches(base, other)
    assert all(base[at] == other[at_other] for at, at_other in found)
    assert found == sorted(set(found))
    assert len({at for at, _ in found}) == len({at for _, at in found}) == len(found)


def test_long_texts_of_few_different_lines_take_no_longer() -> None:
    base = "\n".join("ab"[n % 2] for n in range(60_000))
    done = merge_lines(base, f"x\n{base}", f"{base}\ny")
    assert done.mine == f"x\n{base}\ny"
    worst = merge_lines(base, base.replace("a", "c"), base[::-1])
    assert worst.mine or worst.theirs
