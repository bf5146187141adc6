"""What is written where: a result for programs, a bar for terminals only."""

import io
import json

import pytest

from machinelabs.cli.output import Bar, Output, size, table
from machinelabs.errors import NotFound


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_shows_how_far_it_is_and_goes_away() -> None:
    screen = Screen()
    bar = Bar("Sending", screen)
    bar.on_total(4 << 20)
    bar.on_bytes(1 << 20)
    assert "25% of 4.0 MiB" in screen.getvalue()
    bar.clear()
    assert screen.getvalue().endswith("\r\033[K")


def test_where_nobody_looks_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Output(as_json=False).progress("Sending")
    bar.on_bytes(1 << 20)
    bar.clear()
    assert capsys.readouterr() == ("", "")


def test_what_is_read_is_counted() -> None:
    screen = Screen()
    bar = Bar("Getting", screen)
    assert bar.reading(io.BytesIO(b"x" * 2048)).read() == b"x" * 2048
    assert "2.0 KiB" in screen.getvalue()


def test_with_json_there_is_one_object_and_no_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=True)
    out.result({"lab": "ada/digits"}, "A sentence.")
    out.failed(NotFound("Gone.", code="no_lab"), "Gone.", 6)
    said = capsys.readouterr()
    first, second = said.out.split("}\n{")
    assert json.loads(first + "}") == {"lab": "ada/digits"}
    assert json.loads("{" + second) == {"error": {"code": "no_lab", "message": "Gone.", "exit": 6}}
    assert said.err == ""


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 30, "3.0 GiB")],
)
def test_sizes_are_said_as_people_say_them(count: int, said: str) -> None:
    assert size(count) == said


def test_columns_stand_under_each_other() -> None:
    assert table([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]
