"""Which file of a lab opens first."""

import pytest

from machinelabs_hub.labs.models.config import BadConfig
from machinelabs_hub.labs.models.entrypoint import entrypoint_of


@pytest.mark.parametrize(
    ("paths", "first"),
    [
        (["a.ipynb", "main.ipynb", "main.py"], "main.ipynb"),
        (["a.ipynb", "main.py"], "main.py"),
        (["z.ipynb", "B.ipynb", "deep/a.ipynb"], "B.ipynb"),
        (["deep/a.ipynb", "x.py"], "deep/a.ipynb"),
        (["x.py", "README.md"], "x.py"),
        (["README.md"], None),
    ],
)
def test_the_usual_names_come_first(paths: list[str], first: str | None) -> None:
    assert entrypoint_of(paths, None) == first


def test_what_the_lab_says_is_taken_if_it_is_there() -> None:
    assert entrypoint_of(["a.md", "main.ipynb"], "a.md") == "a.md"
    with pytest.raises(BadConfig, match=r"no file .b.md"):
        entrypoint_of(["a.md"], "b.md")
