"""How people name a lab."""

import pytest

from machinelabs.cli.session import read_lab, read_target
from machinelabs.errors import BadInput


@pytest.mark.parametrize(
    ("said", "lab", "revision"),
    [
        ("ada/digits", "ada/digits", None),
        ("ada/digits@r3", "ada/digits", 3),
        ("@vision/digits@r12", "@vision/digits", 12),
        ("https://x.org/services/labs/ada/digits", "ada/digits", None),
        ("https://x.org/services/labs/ada/digits/@r3", "ada/digits", 3),
        ("https://x.org/services/labs/%40vision/digits/files", "@vision/digits", None),
    ],
)
def test_a_lab_is_named_by_its_address(said: str, lab: str, revision: int | None) -> None:
    assert read_lab(said) == (lab, revision)


@pytest.mark.parametrize(
    "said", ["", "digits", "a/b/c", "a/b@r0", "a/b@3", "../x", "https://x.org"]
)
def test_what_is_no_lab_is_refused_with_how_to_write_one(said: str) -> None:
    with pytest.raises(BadInput, match="is not a lab"):
        read_lab(said)


@pytest.mark.parametrize(
    ("to", "name", "target"),
    [
        ("", "", ("", "")),
        ("", "digits", ("", "digits")),
        ("@vision", "", ("@vision", "")),
        ("@vision", "digits", ("@vision", "digits")),
        ("@vision/digits", "", ("@vision", "digits")),
        ("@vision/digits", "digits", ("@vision", "digits")),
    ],
)
def test_a_new_lab_is_an_owners_under_a_name(to: str, name: str, target: tuple[str, str]) -> None:
    assert read_target(to, name) == target


@pytest.mark.parametrize(
    ("to", "name", "says"),
    [
        ("@vision/digits", "moons", "said twice"),
        ("@vision/", "", "is not a lab"),
        ("/digits", "", "is not a lab"),
        ("@vision/a/b", "", "is not a lab"),
    ],
)
def test_a_target_that_is_none_is_refused(to: str, name: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read_target(to, name)
