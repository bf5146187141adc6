"""Source code in colours: classes only, the colours stand in `ml.css`."""

from functools import lru_cache
from html import escape
from typing import Any, Final

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

LONGEST: Final = 300_000
"""Longer code, in characters, is shown without colours."""

_SAME: Final = {"ipython": "python", "ipython3": "python", "python3": "python", "ir": "r"}
_COLOURLESS: Final = frozenset({"n", "w", "x", "esc", "g", "l", "ld", "nx", "py"})
"""Classes of what has the colour of text; see `labs.css`."""


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
    # Pygments' own formatter begins a span for each word of each line; most have no colour here.
    parts: list[str] = []
    current = ""
    for kind, value in lexer.get_tokens(source):
        name = _class(kind)
        if name != current:
            if current:
                parts.append("</span>")
            if name:
                parts.append(f'<span class="{name}">')
            current = name
        parts.append(value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    if current:
        parts.append("</span>")
    return "".join(parts)


@lru_cache(maxsize=1024)
def _class(kind: Any) -> str:
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    name = STANDARD_TYPES[kind]
    return "" if name in _COLOURLESS else name


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
