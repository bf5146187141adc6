"""Source code in colours: classes only, the colours stand in `ml.css`."""

from functools import lru_cache
from html import escape
from typing import Final

from pygments import lex
from pygments.formatters.html import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

LONGEST: Final = 300_000
"""Longer code, in characters, is shown without colours."""

_SAME: Final = {"ipython": "python", "ipython3": "python", "python3": "python", "ir": "r"}
_FORMATTER: Final = HtmlFormatter(nowrap=True)


def highlight(source: str, language: str) -> str:
    """Return `source` as spans; an unknown `language` gives escaped text."""
    return _highlight(source, _by_name(language.strip().lower()[:40]))


def highlight_file(source: str, name: str) -> str:
    """Return `source` as spans in the colours that a file called `name` has."""
    return _highlight(source, _by_file_name(name))


def is_source(name: str) -> bool:
    """Tell whether a file called `name` is a program or a text in a known language."""
    return _by_file_name(name) is not None


def _highlight(source: str, lexer: Lexer | None) -> str:
    if lexer is None or len(source) > LONGEST:
        return escape(source, quote=False)
    parts: list[str] = []
    _FORMATTER.format(lex(source, lexer), _Parts(parts))
    return "".join(parts)


class _Parts:
    """The file that a formatter writes into."""

    def __init__(self, parts: list[str]) -> None:
        self.write = parts.append


@lru_cache(maxsize=128)
def _by_name(language: str) -> Lexer | None:
    try:
        lexer = get_lexer_by_name(_SAME.get(language, language), stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return None if isinstance(lexer, TextLexer) else lexer


@lru_cache(maxsize=512)
def _by_file_name(name: str) -> Lexer | None:
    try:
        return get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
