"""What of a folder is not published: hidden files, caches, `.gitignore`, `.mlignore`. Pure.

Both files are read in every folder and mean what git makes of them: one pattern a line, `#`
begins a comment, `*`, `?` and `[…]` match within a name, `**` any folders. A pattern with a `/`
in it is seen from its own folder, any other matches a name anywhere below; one that ends with `/`
matches folders only; `!` takes back in what an earlier pattern left out. The last pattern that
matches decides, a deeper file after a higher one, and `.mlignore` after `.gitignore`. What lies in
a folder that is left out stays out.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

FILES: Final = (".gitignore", ".mlignore")
"""In the order in which they are read: a later one has the last word."""

ALWAYS: Final = frozenset({"__pycache__", "node_modules", "lost+found"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of an ignore file; `base` is the folder that it stands in, with a final /."""

    expression: re.Pattern[str]
    base: str
    folders_only: bool
    takes_in: bool

    @classmethod
    def from_line(cls, line: str, base: str = "") -> Self | None:
        """Read a line; None for an empty one, a comment, and what can match nothing."""
        text = _without_trailing_spaces(line)
        if not text or text.startswith("#"):
            return None
        takes_in = text.startswith("!")
        text = text[1:] if takes_in else text
        folders_only = text.endswith("/")
        text = text.removesuffix("/")
        if not text.strip("/"):
            return None
        expression = _expression(text)
        return expression and cls(expression, base, folders_only, takes_in)

    def matches(self, path: str, *, is_folder: bool) -> bool:
        """Whether the relative `path` itself (not a folder above it) is meant."""
        if (self.folders_only and not is_folder) or not path.startswith(self.base):
            return False
        return bool(self.expression.fullmatch(path[len(self.base) :]))


def _without_trailing_spaces(line: str) -> str:
    text = line.rstrip("\r\n").rstrip(" ")
    escapes = len(text) - len(text.rstrip("\\"))
    # An escaped space at the end is part of the name.
    return text + " " if escapes % 2 and len(text) < len(line.rstrip("\r\n")) else text


def _expression(text: str) -> re.Pattern[str] | None:
    anchored = "/" in text
    parts = text.removeprefix("/").split("/")
    made = "" if anchored else "(?:.*/)?"
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        if part == "**" and anchored:
            # At the end all that is in the folder, elsewhere any number of folders, also none.
            made += ".+" if is_last else "(?:[^/]+/)*"
            continue
        name = _name(part)
        if name is None:
            return None
        made += name if is_last else f"{name}/"
    return re.compile(made, re.DOTALL)


def _name(part: str) -> str | None:
    """Return the expression of one name; None: a pattern that git takes to match nothing."""
    made, at = "", 0
    while at < len(part):
        char = part[at]
        at += 1
        match char:
            case "*":
                made += "" if made.endswith("[^/]*") else "[^/]*"
            case "?":
                made += "[^/]"
            case "\\" if at == len(part):
                return None
            case "\\":
                made += re.escape(part[at])
                at += 1
            case "[":
                found = _class(part, at)
                if found is None:
                    return None
                choice, at = found
                made += choice
            case _:
                made += re.escape(char)
    return made


def _class(part: str, at: int) -> tuple[str, int] | None:
    """Return the expression of `[…]` whose inside begins at `at`, and where it ends."""
    inside, refuses, begins = "", part[at : at + 1] in {"!", "^"}, at
    if refuses:
        at += 1
        begins = at
    while at < len(part):
        char = part[at]
        if char == "]" and at > begins:
            if not inside:
                return None
            return f"(?!/)[{'^' if refuses else ''}{inside}]", at + 1
        if char == "\\":
            at += 1
            if at == len(part):
                return None
            char = part[at]
        low, at = char, at + 1
        if part[at : at + 1] == "-" and part[at + 1 : at + 2] not in {"", "]"}:
            at += 1
            if part[at] == "\\":
                at += 1
            high = part[at : at + 1]
            at += 1
            if not high:
                return None
            # A range the wrong way round holds nothing.
            inside += f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
            inside = inside or "^\\x00-\\U0010ffff"
            continue
        inside += re.escape(low)
    return None


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """What is left out of a folder."""

    patterns: tuple[Pattern, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the text of an ignore file at the top."""
        return cls().also(text)

    def also(self, text: str, base: str = "") -> Self:
        """Return these rules and those of the ignore file of the folder `base`, which decide."""
        below = f"{base}/" if base else ""
        read = (Pattern.from_line(line, below) for line in text.split("\n"))
        return type(self)(self.patterns + tuple(pattern for pattern in read if pattern))

    def reason(self, path: str, *, is_folder: bool) -> str | None:
        """Return why `path` is left out (`hidden`, `cache`, `ignored`), or None."""
        name = path.rpartition("/")[2]
        if name.startswith("."):
            return "hidden"
        if name in ALWAYS:
            return "cache"
        for pattern in reversed(self.patterns):
            if pattern.matches(path, is_folder=is_folder):
                return None if pattern.takes_in else "ignored"
        return None
