"""How runs are named on a command line."""

import pytest

from machinelabs.cli.runs import read_run
from machinelabs.errors import BadInput


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("ada/moons#12", ("ada/moons", 12)),
        ("@vision/digits#1", ("@vision/digits", 1)),
        ("https://labs.example.org/services/labs/ada/moons/runs/7", ("ada/moons", 7)),
        ("http://hub.localhost:8000/services/labs/@vision/digits/runs/7/", ("@vision/digits", 7)),
    ],
)
def test_a_run_is_named_by_lab_and_number_or_by_its_page(text: str, run: tuple[str, int]) -> None:
    assert read_run(text) == run


@pytest.mark.parametrize(
    "text",
    ["ada/moons", "#3", "ada#3", "ada/moons#0", "ada/moons#x", "ada/moons@r2#3", "ada/moons#"],
)
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(BadInput, match="is not a"):
        read_run(text)
