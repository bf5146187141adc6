"""Which paths a lab may hold. Pure."""

import unicodedata
from collections.abc import Iterable
from typing import Final

from machinelabs_hub.errors import BadInput
from machinelabs_hub.names import shown

STATE_FOLDER: Final = ".machinelabs"
"""Where a person's folder remembers its lab; it is never part of a lab."""

LONGEST_PART: Final = 255
LONGEST_PATH: Final = 1000
_UNSHOWABLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")


class BadPath(BadInput):
    """A file's path that no lab may hold."""

    code = "bad_path"


class ClashingPaths(BadInput):
    """Two paths that are one on some people's machines."""

    code = "clashing_paths"


def check_path(path: str) -> str:
    """Return the relative `path` of a file if a lab may hold it.

    Raises:
        BadPath: says which path and what is wrong with it.
    """
    fault = fault_of(path)
    if fault:
        raise BadPath(f"The file “{shown(path, 120)}” cannot be part of a lab: {fault}")
    return path


def fault_of(path: str) -> str | None:
    """Return what is wrong with `path`, as the rest of a sentence, or None."""
    parts = path.split("/")
    if not path or "" in parts or {".", ".."} & set(parts):
        return "its path leads out of the lab's folder."
    if any(_is_unshowable(char) for char in path):
        return "its name has a character that cannot be shown. Rename it."
    if "\\" in path:
        return "its name has a backslash. Rename it."
    if len(path) > LONGEST_PATH or any(len(part.encode()) > LONGEST_PART for part in parts):
        return (
            f"its name is too long. A folder or a file may have {LONGEST_PART} bytes, a whole "
            f"path {LONGEST_PATH} characters."
        )
    return _reserved(parts)


def check_together(paths: Iterable[str]) -> None:
    """Refuse paths that differ only in case or in the form of their accents, or nest in a file.

    Raises:
        ClashingPaths: names both.
    """
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        key = _key(path)
        if key in seen:
            raise ClashingPaths(
                f"“{shown(seen[key])}” and “{shown(path)}” are one file on many machines. "
                "Rename one of them."
            )
        seen[key] = path
        parts = key.split("/")
        for depth in range(1, len(parts)):
            folders.setdefault("/".join(parts[:depth]), path)
    for key in seen.keys() & folders.keys():
        raise ClashingPaths(
            f"“{shown(seen[key])}” is a file and also the folder of “{shown(folders[key])}”. "
            "Rename one of them."
        )


def is_kept_out(path: str) -> bool:
    """Tell whether `path` is a person's own state, which publishing passes over."""
    return path.split("/", 1)[0] == STATE_FOLDER


def _reserved(parts: list[str]) -> str | None:
    for part in parts:
        # HFS+ and NTFS read some other spellings as .git too.
        bare = part.casefold().rstrip(". ")
        if bare in {".git", "git~1"} or bare.startswith((".git:", ".git::")):
            return "git keeps its own files under that name. Rename it."
    return None


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _is_unshowable(char: str) -> bool:
    return unicodedata.category(char) in _UNSHOWABLE and char not in _JOINERS
