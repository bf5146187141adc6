"""Source code in colours: classes only, the colours stand in `ml.css`."""

from functools import lru_cache
from html import escape
from typing import Final

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

from machinelabs_hub.labs.render.lexing import Scanner

LONGEST: Final = 300_000
"""Longer code, in characters, is shown without colours."""
LONGEST_LINE: Final = 10_000
"""So is code with a longer line: a rule may look at each of its characters from each of them."""

LANGUAGES: Final = frozenset({
    "awk", "bash", "batch", "bibtex", "c", "clojure", "cmake", "common-lisp", "console", "cpp",
    "csharp", "css", "cuda", "cython", "dart", "diff", "docker", "elixir", "erlang", "fortran",
    "fsharp", "gas", "gnuplot", "go", "graphql", "groovy", "haskell", "html", "html+jinja", "ini",
    "java", "javascript", "jinja", "json", "jsx", "julia", "kotlin", "less", "llvm", "lua", "make",
    "markdown", "mathematica", "matlab", "nasm", "nginx", "nim", "objective-c", "ocaml", "octave",
    "perl", "php", "powershell", "prolog", "properties", "protobuf", "pycon", "pytb", "python",
    "r", "ruby", "rust", "sas", "scheme", "scss", "sql", "stan", "stata", "swift", "terraform",
    "tex", "toml", "tsx", "typescript", "verilog", "vhdl", "vim", "xml", "yaml", "zig",
})  # fmt: skip
"""All others have no colours. Pygments knows 600, and the rules of some (Scala's, reStructured-
Text's) look at forty backslashes for years, during which nobody is answered."""

_OPTIONS: Final = {"stripnl": False, "ensurenl": False, "handlecodeblocks": False}
"""Markdown's own lexer would colour what it quotes in every language."""
_SAME: Final = {"ipython": "python", "ipython3": "python", "python3": "python", "ir": "r"}


def highlight(source: str, language: str) -> str:
    """Return `source` as spans; an unknown `language` gives escaped text."""
    return _highlight(source, _by_name(language.strip().lower()[:40]))


def highlight_file(source: str, name: str) -> str:
    """Return `source` as spans in the colours that a file called `name` has."""
    return _highlight(source, _by_file_name(name))


def _highlight(source: str, scanner: Scanner | None) -> str:
    if scanner is None or len(source) > LONGEST or _has_long_line(source):
        return escape(source, quote=False)
    # Pygments' own formatter begins a span for each word of each line; most have no colour here.
    parts: list[str] = []
    current = ""
    for name, text in scanner.runs(source):
        if name != current:
            if current:
                parts.append("</span>")
            if name:
                parts.append(f'<span class="{name}">')
            current = name
        # Written out: `html.escape` costs as much again for each of very many short pieces.
        parts.append(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    if current:
        parts.append("</span>")
    return "".join(parts)


def _has_long_line(source: str) -> bool:
    return len(source) > LONGEST_LINE and max(map(len, source.split("\n"))) > LONGEST_LINE


@lru_cache(maxsize=128)
def _by_name(language: str) -> Scanner | None:
    try:
        return _scanner(get_lexer_by_name(_SAME.get(language, language), **_OPTIONS))
    except ClassNotFound:
        return None


@lru_cache(maxsize=512)
def _by_file_name(name: str) -> Scanner | None:
    try:
        return _scanner(get_lexer_for_filename(name, **_OPTIONS))
    except ClassNotFound:
        return None


def _scanner(lexer: Lexer) -> Scanner | None:
    return Scanner(lexer) if LANGUAGES.intersection(lexer.aliases) else None
