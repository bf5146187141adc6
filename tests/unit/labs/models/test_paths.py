"""Which paths a lab may hold."""

import posixpath
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.models.paths import (
    BadPath,
    ClashingPaths,
    check_path,
    check_together,
    fault_of,
    is_kept_out,
)


@pytest.mark.parametrize(
    "path",
    [
        "main.ipynb", "data/täglich.csv", "a b/c d.txt", "データ/ノート.ipynb", "..a", "a..", "...",
        ".hidden", "x" * 255, "/".join(["d" * 100] * 9), "🧪/👩‍🔬.md", ".gitignore", "git",
    ],
)  # fmt: skip
def test_what_people_call_files_is_taken(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../x", "out of the lab's folder"),
        ("a/../../x", "out of the lab's folder"),
        ("/etc/passwd", "out of the lab's folder"),
        ("", "out of the lab's folder"),
        (".", "out of the lab's folder"),
        ("a//b", "out of the lab's folder"),
        ("a/./b", "out of the lab's folder"),
        ("a\nb", "cannot be shown"),
        ("a\0b", "cannot be shown"),
        ("a\x7f", "cannot be shown"),
        ("gpj.\u202etxe", "cannot be shown"),
        ("\udcff.txt", "cannot be shown"),
        ("a\\b", "backslash"),
        ("x" * 256, "too long"),
        ("ä" * 128, "too long"),
        ("n" * 300 + ".ipynb", "too long"),
        ("/".join(["d" * 100] * 11), "too long"),
        (".git/config", "git keeps its own files"),
        ("a/.GIT/hooks", "git keeps its own files"),
        (".git. /x", "git keeps its own files"),
        ("GIT~1/x", "git keeps its own files"),
        (".git::$INDEX_ALLOCATION/x", "git keeps its own files"),
    ],
)
def test_a_refused_path_is_named_with_its_fault(path: str, said: str) -> None:
    with pytest.raises(BadPath, match=said) as refused:
        check_path(path)
    assert all(char.isprintable() for char in str(refused.value))


@given(st.text(max_size=300))
def test_what_is_taken_stays_inside_and_can_be_written(path: str) -> None:
    if fault_of(path) is None:
        assert posixpath.normpath(posixpath.join("/lab", path)) == f"/lab/{path}"
        assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in path)
        assert all(0 < len(part.encode()) <= 255 for part in path.split("/"))


@pytest.mark.parametrize(
    "paths",
    [
        ("Readme.md", "README.md"),
        ("caf\u00e9.txt", "cafe\u0301.txt"),
        ("stra\u00dfe", "STRASSE"),
        ("a", "a/b"),
        ("A/x", "a"),
        ("one.txt", "one.txt"),
    ],
)
def test_paths_that_are_one_on_some_machines_are_refused(paths: tuple[str, str]) -> None:
    with pytest.raises(ClashingPaths):
        check_together(paths)
    with pytest.raises(ClashingPaths):
        check_together(reversed(paths))


def test_paths_that_differ_stand_together() -> None:
    check_together(["a/b", "a/c", "ab", "a.b", "b/a"])


def test_a_persons_own_state_is_passed_over() -> None:
    assert is_kept_out(".machinelabs/lab.json")
    assert not is_kept_out("a/.machinelabs/lab.json")
    assert not is_kept_out(".machinelabs.md")
