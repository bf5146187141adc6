"""What of a folder would be published."""

import os
from pathlib import Path

import pytest

from machinelabs import folder
from machinelabs.errors import FolderFault
from machinelabs.folder import over_limits, scan, scan_file
from machinelabs.models import Limits


def test_files_are_listed_with_sizes_and_the_rest_with_reasons(tmp_path: Path) -> None:
    for path, text in {
        "main.ipynb": "{}",
        "data/a.csv": "1,2",
        "data/big.csv": "x" * 100,
        ".git/config": "",
        ".secret": "",
        "__pycache__/a.pyc": "",
        ".mlignore": "big.csv\n",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    found = scan(tmp_path)
    assert [(file.path, file.size) for file in found.files] == [
        ("data/a.csv", 3),
        ("main.ipynb", 2),
    ]
    assert {(left.path, left.reason) for left in found.left_out} == {
        (".git", "hidden"),
        (".mlignore", "hidden"),
        (".secret", "hidden"),
        ("__pycache__", "cache"),
        ("data/big.csv", "ignored"),
    }
    assert found.faults == []


def test_a_link_within_the_folder_is_published_as_the_file_it_means(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc")
    (tmp_path / "b.txt").symlink_to("a.txt")
    assert [(file.path, file.size) for file in scan(tmp_path).files] == [("a.txt", 3), ("b.txt", 3)]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/etc/hostname", "outside"),
        ("nowhere", "to nothing"),
        ("b", "to nothing"),
        (".", "a folder"),
    ],
)
def test_links_that_a_lab_cannot_hold_are_refused_in_a_sentence(
    tmp_path: Path, target: str, words: str
) -> None:
    (tmp_path / "b").symlink_to(target)
    found = scan(tmp_path)
    assert found.files == []
    [fault] = found.faults
    assert words in fault
    assert "“b”" in fault


def test_a_pipe_stays_here(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert [left.reason for left in scan(tmp_path).left_out] == ["special"]


@pytest.mark.parametrize("name", [b"bad\xff.txt", b"new\nline", b"back\\slash"])
def test_names_that_no_lab_may_hold_are_faults(tmp_path: Path, name: bytes) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).write_text("x")
    found = scan(tmp_path)
    assert found.files == []
    assert len(found.faults) == 1
    assert found.faults[0].isprintable()


def test_a_folder_of_too_many_files_is_not_walked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "MOST", 10)
    for number in range(20):
        (tmp_path / str(number)).touch()
    found = scan(tmp_path)
    assert len(found.files) == 10
    assert "more than 10 files" in found.faults[0]


def test_limits_are_said_one_by_one(tmp_path: Path) -> None:
    for name, size in {"big.bin": 3, "book.ipynb": 2, "c": 0}.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size * folder.MIB)
    limits = Limits(file_mib=2, notebook_mib=1, lab_mib=4, lab_files=2)
    faults = over_limits(scan(tmp_path), limits)
    assert len(faults) == 4
    assert "big.bin" in faults[1]
    assert "a notebook of a lab may have 1" in faults[2]


def test_a_missing_folder_and_a_linked_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FolderFault):
        scan(tmp_path / "no")
    (tmp_path / "l").symlink_to("/etc/hostname")
    with pytest.raises(FolderFault):
        scan_file(tmp_path / "l")
