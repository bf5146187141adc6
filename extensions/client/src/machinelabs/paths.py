"""Which paths a lab may hold. Pure."""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

STATE_FOLDER: Final = ".machinelabs"
"""Where a folder remembers its lab; never published, never laid."""

LONGEST_PART: Final = 255
LONGEST_PATH: Final = 1000
UNSHOWABLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
JOINERS: Final = frozenset("\u200c\u200d")
"""Format characters that some scripts cannot be written without."""


def fault_of(path: str) -> str | None:
    """Return what is wrong with the relative `path` of a file, as a sentence, or None."""
    parts = path.split("/")
    if not path or path.startswith("/") or {"", ".", ".."} & set(parts):
        return f"“{shown(path)}” does not stay inside its folder."
    if any(unicodedata.category(c) in UNSHOWABLE and c not in JOINERS for c in path):
        return f"“{shown(path)}” has a character in its name that cannot be shown. Rename it."
    if "\\" in path:
        return f"“{shown(path)}” has a backslash in its name. Rename it."
    if parts[0] == STATE_FOLDER:
        return f"“{shown(path)}” is in {STATE_FOLDER}, which is not part of a lab."
    if any(len(part.encode()) > LONGEST_PART for part in parts) or len(path) > LONGEST_PATH:
        return f"“{shown(path)}” has too long a name. Use at most {LONGEST_PART} bytes a part."
    return None


def clashes(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of paths that are one file where case or the form of accents does not count."""
    seen: dict[str, str] = {}
    for path in paths:
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
        if key in seen:
            yield seen[key], path
        seen[key] = path


def shown(path: str, limit: int = 80) -> str:
    """Return `path` fit for a sentence: what cannot be shown is escaped, the middle cut."""
    safe = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in path)
    return safe if len(safe) <= limit else f"{safe[: limit // 2]}…{safe[1 - limit // 2 :]}"


def beside(path: str, revision: int) -> str:
    """Return where r`revision` of a file lies beside yours: `a/main.ipynb` -> `a/main (r4).ipynb`.

    A long name is cut so that the new one still fits.
    """
    pure = PurePosixPath(path)
    mark = f" (r{revision})"
    room = LONGEST_PART - len(mark.encode()) - len(pure.suffix.encode())
    stem = pure.stem.encode()[: max(room, 1)].decode(errors="ignore")
    return str(pure.with_name(f"{stem}{mark}{pure.suffix}"))
