"""Terminal text."""

import pytest

from machinelabs_hub.labs.render import ansi


def test_colours_become_classes() -> None:
    html = ansi.to_html("\x1b[1;31mred\x1b[0m plain \x1b[38;5;196mx\x1b[48;2;0;0;0my")
    assert html.startswith('<span class="ansi-bold ansi-fg-1">red</span> plain ')
    assert "ansi-bg-0" in html


def test_text_is_escaped_inside_and_outside_of_colours() -> None:
    html = ansi.to_html("<script>\x1b[31m<img onerror=x>\x1b[0m")
    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    "sequence",
    ["\x1b]8;;javascript:alert(1)\x07", "\x1b]0;title\x1b\\", "\x1b[2J", "\x1b[10;10H", "\x1bc",
     "\x00\x07", "\x1b[?25l", "\x1bPdevice\x1b\\"],
)  # fmt: skip
def test_everything_else_a_terminal_obeys_is_gone(sequence: str) -> None:
    assert ansi.to_html(f"a{sequence}b") == "ab"


def test_returns_and_backspaces_write_over() -> None:
    assert ansi.to_html("10%\r20%\r100%\ndone") == "100%\ndone"
    assert ansi.to_html("long line\rshort") == "shortline"
    assert ansi.to_html("ab\x08c") == "ac"
    assert ansi.to_html("a\r\nb") == "a\nb"


@pytest.mark.parametrize("odd", ["\x1b[", "\x1b[38m", "\x1b[38;5m", "\x1b[38;2;1m", "\x1b[;;;m",
                                 "\x1b[99999999999m", "\x1b[48;5;999m", "\x1b"])  # fmt: skip
def test_half_and_absurd_sequences_do_no_harm(odd: str) -> None:
    html = ansi.to_html(f"a{odd}b c")
    assert "\x1b" not in html
    assert "c" in html
