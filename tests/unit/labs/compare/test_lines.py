"""What changed in a text."""

from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.compare.lines import all_lines, changed_lines

TEXT = st.lists(st.sampled_from(["a", "b", "c", "", "x = 1"]), max_size=30).map("\n".join)


def shown(before: str, after: str) -> list[str]:
    return [
        f"... {line.skipped}" if line.skipped else line.sign + line.text
        for line in changed_lines(before, after)
    ]


def test_a_change_stands_between_the_lines_around_it() -> None:
    before = "\n".join(str(n) for n in range(20))
    assert shown(before, before.replace("10", "ten")) == [
        "... 7", " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13", "... 6",
    ]  # fmt: skip


def test_no_line_is_skipped_alone() -> None:
    assert shown("0\n1\n2\n3\n4", "0\n1\n2\n3\nfour") == [" 0", " 1", " 2", " 3", "-4", "+four"]


def test_the_numbers_are_those_of_each_side() -> None:
    lines = changed_lines("a\nb\nc", "a\nx\ny\nc")
    assert [(line.sign, line.before, line.after) for line in lines] == [
        (" ", 1, 1), ("-", 2, None), ("+", None, 2), ("+", None, 3), (" ", 3, 4),
    ]  # fmt: skip


@given(TEXT, TEXT)
def test_both_texts_can_be_read_off_the_change(before: str, after: str) -> None:
    lines = changed_lines(before, after, around=100)
    same = before.removesuffix("\n") == after.removesuffix("\n")
    # An empty text has no line, and one end of a line makes one.
    if same and bool(before) == bool(after):
        assert lines == ()
        return
    old = [line.text for line in lines if line.sign in " -" and not line.skipped]
    new = [line.text for line in lines if line.sign in " +" and not line.skipped]
    assert "\n".join(old) == before.removesuffix("\n")
    assert "\n".join(new) == after.removesuffix("\n")


def test_long_texts_that_share_nothing_take_no_time() -> None:
    before = "\n".join(f"a{n}" for n in range(20_000))
    after = "\n".join(f"b{n}" for n in range(20_000))
    assert len(changed_lines(before, after)) == 40_000


def test_a_text_on_one_side_only_is_all_there() -> None:
    assert [(line.sign, line.text, line.after) for line in all_lines("a\nb\n", "+")] == [
        ("+", "a", 1), ("+", "b", 2),
    ]  # fmt: skip
