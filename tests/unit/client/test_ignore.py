"""What is left out of a lab."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs.ignore import IgnoreRules, Pattern


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".git", "hidden"),
        ("a/.ipynb_checkpoints", "hidden"),
        (".machinelabs", "hidden"),
        ("a/__pycache__", "cache"),
        ("main.ipynb", None),
    ],
)
def test_hidden_files_and_caches_stay(path: str, reason: str | None) -> None:
    assert IgnoreRules().reason(path, is_folder=True) == reason


@pytest.mark.parametrize(
    ("pattern", "path", "is_folder", "ignored"),
    [
        ("*.csv", "a/b/big.csv", False, True),
        ("*.csv", "a/b/big.csv.gz", False, False),
        ("data/", "data", True, True),
        ("data/", "data", False, False),
        ("/data", "a/data", True, False),
        ("/data", "data", True, True),
        ("a/*.csv", "a/x.csv", False, True),
        ("a/*.csv", "a/b/x.csv", False, False),
        ("a/**/x.csv", "a/b/c/x.csv", False, True),
        ("a/**/x.csv", "a/x.csv", False, True),
        ("out/**", "out/x", False, True),
        ("out/**", "out", True, False),
        ("run?", "run1", True, True),
        ("[ab].txt", "b.txt", False, True),
        ("# note", "# note", False, False),
    ],
)
def test_a_pattern_means_what_the_manual_says(
    *, pattern: str, path: str, is_folder: bool, ignored: bool
) -> None:
    rules = IgnoreRules.from_text(pattern)
    assert (rules.reason(path, is_folder=is_folder) == "ignored") is ignored


@given(st.text(), st.text(min_size=1))
def test_no_text_breaks_the_reading_of_patterns(text: str, path: str) -> None:
    IgnoreRules.from_text(text).reason(path, is_folder=False)


def test_empty_lines_and_comments_are_no_patterns() -> None:
    assert [Pattern.from_line(line) for line in ("", "  ", "# x", "/")] == [None] * 4
