"""How people name a lab."""

import pytest

from machinelabs.cli.session import read_lab
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
