"""Joined rules read as Pygments' own loop reads."""

import random
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pygments
import pytest
from pygments.lexer import RegexLexer
from pygments.lexers import PythonLexer, get_lexer_by_name

from machinelabs_hub.labs.render import code
from machinelabs_hub.labs.render.lexing import Run, Scanner, class_of

ODD = 'R"(a)b" <<EOF\nx\nEOF\n/* a\n b */ f"{x!r:>{w}}" r\'\\\' \\begin{x} $a$ % c\n@y ::z => 0x1f_e1j\n'


def texts() -> list[str]:
    """Return programs, what is none, and what is hardly text."""
    here = Path(__file__)
    installed = Path(pygments.__file__).parent
    dice = random.Random(1)  # noqa: S311 - the same text each time
    noise = "".join(dice.choices("abz019 \n\t\"'`#$%&*()[]{}<>/\\|-+=:;,.@!?~^_é", k=800))
    return [
        here.read_text(),
        (installed / "unistring.py").read_text()[:1500],
        (installed / "formatters" / "html.py").read_text()[2000:6000],
        ODD,
        ODD.replace("\n", "\r\n"),
        f"\ufeff{noise}",
        "",
    ]


def joined(runs: Iterable[Run]) -> list[list[str]]:
    found: list[list[str]] = []
    for name, text in runs:
        if found and found[-1][0] == name:
            found[-1][1] += text
        elif text:
            found.append([name, text])
    return found


@pytest.mark.parametrize("language", sorted(code.LANGUAGES))
def test_a_source_has_the_classes_that_pygments_gives_it(language: str) -> None:
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False, handlecodeblocks=False)
    scanner = Scanner(lexer)
    for text in texts():
        wanted = joined((class_of(kind), piece) for kind, piece in lexer.get_tokens(text))
        assert joined(scanner.runs(text)) == wanted


def test_python_is_read_by_joined_rules() -> None:
    lexer = get_lexer_by_name("python")
    scanner = Scanner(lexer)
    assert isinstance(lexer, RegexLexer)
    list(scanner.runs("import x\n\ndef f(): return f'{x}'\n"))
    for state in scanner._states.values():
        match: Any = state.match
        assert match.__self__.groups == len(state.rules)


def test_lexers_that_are_made_at_once_have_the_same_rules() -> None:
    fresh: Any = type("Fresh", (PythonLexer,), {})
    together = threading.Barrier(8)

    def rules(_: int) -> Any:
        together.wait()
        return fresh()._tokens

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            first, *others = threads.map(rules, range(8))
    finally:
        sys.setswitchinterval(before)
    assert all(one is first for one in others)
