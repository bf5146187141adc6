"""JSON with a line for each value, its numbers and texts exactly as they were written."""

import json
import re
from typing import Final

LONGEST: Final = 1_000_000
"""Characters that it may grow to; what would be longer stays as it was."""

_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_BEGINS: Final = frozenset("[{")
_ENDS: Final = frozenset("]}")
_BREAKS: Final = _BEGINS | _ENDS | {","}
_STEP: Final = "  "
_LONGEST_ROW: Final = 72


def indented(text: str) -> str | None:
    """Return JSON indented by two; None: it is none, or would become too long.

    Numbers keep their digits and names that come twice stay, so nothing is read into values.
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    lines: list[str] = []
    line, depth, size = "", 0, 0
    for piece in _rows(_TOKENS.findall(text)):
        if piece not in _BREAKS:
            line += ": " if piece == ":" else piece
            continue
        if piece in _ENDS:
            depth -= 1
        done = line if piece in _ENDS else line + piece
        if piece in _BEGINS:
            depth += 1
        line = _STEP * depth + (piece if piece in _ENDS else "")
        lines.append(done)
        size += len(done)
        if size > LONGEST:
            return None
    return "\n".join((*lines, line))


def _rows(tokens: list[str]) -> list[str]:
    """Return tokens with short lists and objects without another inside as one token each."""
    found: list[str] = []
    begun: int | None = None
    for token in tokens:
        found.append(token)
        if token in _BEGINS:
            begun = len(found) - 1
        elif token in _ENDS and begun is not None:
            row = "".join({",": ", ", ":": ": "}.get(one, one) for one in found[begun:])
            if len(row) <= _LONGEST_ROW:
                found[begun:] = [row]
            begun = None
    return found
