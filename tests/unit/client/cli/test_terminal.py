"""What a terminal gets of another's program: text and colours, whatever else was printed."""

import io
from typing import Any

import pytest

from machinelabs.cli.terminal import Screen, show


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


NASTY = (
    "a\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b]52;c;c2VjcmV0\x1b\\b\x1b[2J\x1b[6n\x1bc\x07\x00"
    "\x9b5n 40%\r\x1b[K50%\n\ttab\x08 é\n"
)
SAFE = "a\x1b[31mred\x1b[0mb5n 40%\r\x1b[K50%\n\ttab\x08 é\n"


@pytest.mark.parametrize("size", range(1, len(NASTY) + 1))
def test_a_terminal_gets_colours_and_nothing_that_acts_wherever_the_pieces_are_cut(
    size: int,
) -> None:
    terminal = Terminal()
    screen = Screen(terminal)
    for at in range(0, len(NASTY), size):
        screen.write(NASTY[at : at + size])
    assert terminal.getvalue() == SAFE


def test_a_pipe_gets_what_was_printed() -> None:
    pipe = io.StringIO()
    Screen(pipe).write(NASTY)
    assert pipe.getvalue() == NASTY


def shown(event: dict[str, Any]) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    show(event, Screen(out), Screen(err))
    return out.getvalue(), err.getvalue()


def test_inputs_have_a_line_that_moves_at_a_terminal_and_one_word_elsewhere() -> None:
    going = {"kind": "input", "name": "a.pt", "state": "fetching", "received": 1 << 20, "total": 0}
    done = going | {"state": "done", "received": 4 << 20}
    failed = going | {"state": "failed", "text": "It is not there."}
    assert shown(going) == ("", "")
    assert shown(done) == ("", "Input a.pt: 4.0 MiB\n")
    assert shown(failed) == ("", "Input a.pt: It is not there.\n")
    terminal = Terminal()
    for event in (going | {"total": 4 << 20}, done):
        show(event, Screen(io.StringIO()), Screen(terminal))
    assert terminal.getvalue() == (
        "Input a.pt: 1.0 MiB of 4.0 MiB\x1b[K\rInput a.pt: 4.0 MiB\x1b[K\n"
    )


def test_outputs_are_told_as_far_as_text_can() -> None:
    picture = {"text/plain": "<Figure>", "image/png": "…"}
    for data, text in (
        ({"text/plain": ["4", "2"]}, "42\n"),
        (picture, "[image/png]\n"),
        ({"text/html": "<b>x</b>"}, "[text/html]\n"),
    ):
        output = {"output_type": "execute_result", "data": data}
        assert shown({"kind": "output", "output": output}) == (text, "")
    failed = {"output_type": "error", "traceback": ["Traceback", "ValueError: x"]}
    assert shown({"kind": "output", "output": failed}) == ("", "Traceback\nValueError: x\n")
    assert shown({"kind": "stderr", "text": "warn\n"}) == ("", "warn\n")
    assert shown({"kind": "note", "text": "left out"}) == ("", "left out\n")
    for odd in (
        {},
        {"kind": "output"},
        {"kind": "output", "output": {"data": {}}},
        {"kind": "usage"},
    ):
        assert shown(odd) == ("", "")
