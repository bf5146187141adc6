"""Source code in classes: Pygments' own rules, with all rules of a state tried as one expression.

Pygments tries the rules of a state one after the other, some fifty calls for a word of Python. An
alternation tries the same rules in the same order in one call, and takes a fifth of the time.
"""

import itertools
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pygments.lexer import Lexer, RegexLexer, RegexLexerMeta
from pygments.token import STANDARD_TYPES, Error, Token

Run = tuple[str, str]
"""A class, empty for what has the colour of text, and the text that has it."""

SECONDS: Final = 1.0
"""Of computing; what is left of a source then has no colours. A megabyte of Python takes as much.

The rules of most languages can be led to look far ahead at every step.
"""
_OFTEN: Final = 64

_COLOURLESS: Final = frozenset({"n", "w", "x", "esc", "g", "l", "ld", "nx", "py"})
"""Classes of what has the colour of text; see `labs.css`."""

_Kind: Final = type(Token)
_FIRST: Final = "root"
_POP, _PUSH = "#pop", "#push"

_FLAGS: Final = re.compile(r"\(\?([aiLmsu]+)\)")
_GROUPS: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]"  # escapes and sets, which may hold a parenthesis
    r"|\((?!\?)|\(\?P<\w+>",
    re.DOTALL,
)
_ALONE: Final = re.compile(
    r"\\[1-9]|\(\?P=|\(\?\("  # asks what a group held
    r"|\(\?[a-zA-Z]*x|\(\?#"  # brings comments
)


_making: Final = threading.RLock()
_make: Final = RegexLexerMeta.__call__


def _made_alone(kind: RegexLexerMeta, *args: Any, **options: Any) -> Lexer:
    """Make a lexer while no other thread makes one.

    The first lexer of its kind notes the rules, with numbers for names, in its class. Two that are
    made at once replace each other's, and whoever has begun to read by the first never finds on.
    """
    with _making:
        lexer: Lexer = _make(kind, *args, **options)
        return lexer


# Not around our own calls alone: lexers make others for what they quote, while they read.
RegexLexerMeta.__call__ = _made_alone


@lru_cache(maxsize=1024)
def class_of(kind: Any) -> str:
    """Return the class of a kind of token; empty if it has the colour of text."""
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    name = STANDARD_TYPES[kind]
    return "" if name in _COLOURLESS else name


@dataclass(frozen=True, slots=True)
class _Rule:
    """What follows where an expression of Pygments matches."""

    match: Any
    """The `match` of its compiled expression."""
    action: Any
    name: str | None
    """The class of all that it matches; None: `action` says more, if there is one."""
    to: Any
    """The states that it leads to, as Pygments notes them, or None."""


_ELSE: Final = (
    # Where no rule matches, the lexer begins anew with the next line.
    _Rule(re.compile(r"\n").match, None, "", -sys.maxsize),
    _Rule(re.compile(r"[^\n]").match, None, class_of(Error), None),
)


@dataclass(frozen=True, slots=True)
class _State:
    """The rules of a state; what `match` finds has the number of its rule as `lastindex`."""

    match: Callable[[str, int], Any]
    rules: tuple[_Rule, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a match is to `Scanner.runs`, for states whose rules are tried in turn."""

    lastindex: int
    position: int

    def end(self) -> int:
        return self.position


class Scanner:
    """Reads source with one lexer, whose states are joined when they are first entered."""

    def __init__(self, lexer: Lexer) -> None:
        self._lexer = lexer
        self._states: dict[str, _State] = {}
        # A lexer that reads in a way of its own is left to itself.
        reads = getattr(type(lexer), "get_tokens_unprocessed", None)
        self._is_plain = reads is RegexLexer.get_tokens_unprocessed and not lexer.filters

    def runs(self, source: str) -> Iterator[Run]:
        """Yield all of `source` in pieces, each with its class; neighbours may have the same."""
        source = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        return self._joined(source) if self._is_plain else self._alone(source)

    def _alone(self, text: str) -> Iterator[Run]:
        ends = time.thread_time() + SECONDS
        position = 0
        for _, kind, piece in self._lexer.get_tokens_unprocessed(text):
            yield class_of(kind), piece
            position += len(piece)
            if time.thread_time() > ends:
                yield "", text[position:]
                return

    def _joined(self, text: str) -> Iterator[Run]:
        """Do what `RegexLexer.get_tokens_unprocessed` does, a run of one class at a time."""
        stack = [_FIRST]
        state = self._state(_FIRST)
        position = start = 0
        current = ""
        ends = time.thread_time() + SECONDS
        for count in itertools.count(1):
            match = state.match(text, position)
            if match is None:
                break
            rule, end = state.rules[match.lastindex - 1], match.end()
            if rule.name != current:
                if position > start:
                    yield current, text[start:position]
                current, start = rule.name or "", position
            if rule.name is None:
                for _, kind, piece in _more(rule, self._lexer, text, position):
                    yield class_of(kind), piece
                start = end
            position = end
            if rule.to is not None:
                _go(stack, rule.to)
                state = self._state(stack[-1])
            if count % _OFTEN == 0 and time.thread_time() > ends:
                yield current, text[start:position]
                current, start, position = "", position, len(text)
                break
        if position > start:
            yield current, text[start:position]

    def _state(self, name: str) -> _State:
        state = self._states.get(name)
        if state is None:
            lexer: Any = self._lexer
            state = self._states[name] = _join(lexer._tokens[name], lexer.flags)  # noqa: SLF001
        return state


def _join(tokens: list[tuple[Any, Any, Any]], flags: int) -> _State:
    rules = [
        _Rule(match, action, class_of(action) if isinstance(action, _Kind) else None, to)
        for match, action, to in tokens
    ]
    rules += _ELSE
    sources = [rule.match.__self__.pattern for rule in rules]
    if not flags & re.VERBOSE and not any(map(_ALONE.search, sources)):
        # An empty group at the end of each says which matched. No other group is needed: a match
        # that is more than one token is made anew. Python skips an alternative that cannot begin
        # with the next character, unless it begins with a group.
        joined = "|".join(f"{_groupless(source)}()" for source in sources)
        return _State(re.compile(joined, flags).match, tuple(rules))

    def in_turn(text: str, position: int) -> _Found | None:
        for number, rule in enumerate(rules, 1):
            if match := rule.match(text, position):
                return _Found(number, match.end())
        return None

    return _State(in_turn, tuple(rules))


def _groupless(source: str) -> str:
    flags = _FLAGS.match(source)
    head = f"(?{flags[1]}:" if flags else "(?:"
    bare = source[flags.end() :] if flags else source
    return head + _GROUPS.sub(lambda part: "(?:" if part[0][0] == "(" else part[0], bare) + ")"


def _more(rule: _Rule, lexer: Lexer, text: str, position: int) -> Iterator[Any]:
    if rule.action is not None:
        yield from rule.action(lexer, rule.match(text, position))


def _go(stack: list[str], to: Any) -> None:
    """Move as Pygments does: names and pushes in a tuple, a number of states to leave, a push."""
    if isinstance(to, int):
        del stack[max(1, len(stack) + to) :]
        return
    for name in to if isinstance(to, tuple) else (to,):
        if name == _POP:
            del stack[max(1, len(stack) - 1) :]
        else:
            stack.append(stack[-1] if name == _PUSH else name)
