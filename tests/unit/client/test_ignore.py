"""What is left out of a lab: as git itself would, and besides hidden files and caches."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from machinelabs.folder import scan
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
        ("[!ab].txt", "c.txt", False, True),
        ("# note", "# note", False, False),
        ("\\# note", "# note", False, True),
        ("*.csv\n!keep.csv", "keep.csv", False, False),
        ("*.csv\n!keep.csv", "a/keep.csv", False, False),
        ("*.csv\n!keep.csv\nkeep.csv", "keep.csv", False, True),
        ("\\!a", "!a", False, True),
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
    assert [Pattern.from_line(line) for line in ("", "  ", "# x", "/", "a\\")] == [None] * 5


def files_in(folder: Path, **content: str) -> None:
    for path, text in content.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def test_each_folder_has_its_own_rules_and_mlignore_the_last_word(tmp_path: Path) -> None:
    files_in(
        tmp_path,
        **{
            ".gitignore": "*.csv\nout/\n",
            ".mlignore": "!small.csv\n",
            "small.csv": "", "big.csv": "", "out/small.csv": "",
            "data/.gitignore": "!*.csv\n/raw\n",
            "data/kept.csv": "", "data/raw/a.txt": "", "data/more/raw": "", "raw": "",
            "data/deep/.mlignore": "kept.csv\n", "data/deep/kept.csv": "",
        },
    )  # fmt: skip
    found = [entry.path for entry in scan(tmp_path).files]
    assert found == ["data/kept.csv", "data/more/raw", "raw", "small.csv"]


NAMES = ["a", "b", "ab", "a b", "x.csv", "keep.csv", "a-b", "a]b"]
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
PIECES = [
    "*",
    "**",
    "?",
    "/",
    "!",
    "a",
    "b",
    ".csv",
    "keep",
    "[ab]",
    "[!a]",
    "[a-c]",
    "\\",
    " ",
    "#",
    "-",
]
LINES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("git")
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(LINES, min_size=1, max_size=4), paths=st.sets(PATHS, min_size=1, max_size=6))
@example(lines=["*", "!a"], paths={"a/b", "ab"})
@example(lines=["a/**/b", "!a/b"], paths={"a/b", "a/ab/b"})
def test_the_same_is_left_out_as_by_git(
    repository: Path, lines: list[str], paths: set[str]
) -> None:
    text = "\n".join(lines) + "\n"
    # What a file is and a folder cannot both be.
    paths = {path for path in paths if not any(other.startswith(f"{path}/") for other in paths)}
    (repository / ".gitignore").write_text(text)
    for path in paths:
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).touch()
    try:
        command = ["git", "-C", str(repository), "ls-files", "-z", "--others", "--exclude-standard"]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        expected = sorted(path for path in out.split("\0") if path and path != ".gitignore")
        assert [entry.path for entry in scan(repository).files] == expected
    finally:
        for path in paths:
            top = repository / re.split("/", path)[0]
            subprocess.run(["rm", "-rf", top], check=True)
