"""Which paths may be published and laid."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs.paths import beside, clashes, fault_of, shown


@pytest.mark.parametrize(
    "path", ["main.ipynb", "data/ünï.csv", "a b.txt", "x" * 255, "می‌خواهم.txt", ".config/x"]
)
def test_plain_paths_are_taken(path: str) -> None:
    assert fault_of(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../up", "a/../../b", "a//b", "./a", "a/.", "tab\there", "nul\0",
        "line\nbreak", "back\\slash", "\udcff", "rtl\u202egnp.exe", ".machinelabs/lab.json",
        "x" * 256, "é" * 128, "/".join(["d" * 99] * 11),
    ],
)  # fmt: skip
def test_paths_that_no_lab_may_hold_are_named_in_a_sentence(path: str) -> None:
    fault = fault_of(path)
    assert fault
    assert fault.endswith(".")
    assert fault.isprintable()


@given(st.text())
def test_a_path_without_fault_stays_inside_its_folder(path: str) -> None:
    if fault_of(path) is None:
        assert os.path.normpath(f"/lab/{path}") == f"/lab/{path}"


@given(st.text())
def test_what_is_shown_is_short_and_printable(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) <= 81


@given(
    st.lists(st.text(alphabet="aé.b ", min_size=1, max_size=90), min_size=1), st.integers(1, 9999)
)
def test_a_name_beside_is_as_valid_as_the_name_itself(parts: list[str], revision: int) -> None:
    path = "/".join(parts)
    if fault_of(path) is None:
        assert len(beside(path, revision).rpartition("/")[2].encode()) <= 255
        assert beside(path, revision) != path


def test_names_that_differ_in_case_or_accents_clash() -> None:
    assert list(clashes(["a.txt", "A.TXT", "é", "e\u0301", "b"])) == [
        ("a.txt", "A.TXT"),
        ("é", "e\u0301"),
    ]
