"""What of a folder is not published: hidden files, caches, and what `.mlignore` names. Pure.

`.mlignore` holds one pattern a line; `#` begins a comment. `*`, `?` and `[…]` match within a
name, `**` any folders. A pattern with a `/` in it is seen from the lab's folder, any other
matches a name anywhere; one that ends with `/` matches folders only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Self

FILE: Final = ".mlignore"
ALWAYS: Final = frozenset({"__pycache__", "node_modules", "lost+found"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of `.mlignore`."""

    parts: tuple[str, ...]
    anchored: bool
    folders_only: bool

    @classmethod
    def from_line(cls, line: str) -> Self | None:
        """Read a line; None for an empty one and a comment."""
        text = line.strip()
        if not text or text.startswith("#"):
            return None
        parts = tuple(part for part in text.split("/") if part)
        if not parts:
            return None
        return cls(parts, anchored="/" in text.rstrip("/"), folders_only=text.endswith("/"))

    def matches(self, path: str, *, is_folder: bool) -> bool:
        """Whether the relative `path` itself (not a folder above it) is meant."""
        if self.folders_only and not is_folder:
            return False
        parts = path.split("/")
        return _match(self.parts, parts if self.anchored else parts[-1:])


def _match(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        if len(pattern) == 1:
            return bool(parts)
        return any(_match(pattern[1:], parts[cut:]) for cut in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _match(pattern[1:], parts[1:])


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """What is left out of a folder."""

    patterns: tuple[Pattern, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the text of a `.mlignore`."""
        read = (Pattern.from_line(line) for line in text.splitlines())
        return cls(tuple(pattern for pattern in read if pattern))

    def reason(self, path: str, *, is_folder: bool) -> str | None:
        """Return why `path` is left out (`hidden`, `cache`, `ignored`), or None."""
        name = path.rpartition("/")[2]
        if name.startswith("."):
            return "hidden"
        if name in ALWAYS:
            return "cache"
        if any(pattern.matches(path, is_folder=is_folder) for pattern in self.patterns):
            return "ignored"
        return None
