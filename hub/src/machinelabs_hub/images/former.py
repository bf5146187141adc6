"""The builds that a site used before: `uninstall` takes them away, too.

They stay until then: another site on this engine may use them.
"""

from collections.abc import Iterable
from pathlib import Path

from machinelabs_hub.sites import Files

NAME = "images.former"
"""A file in DATA with a tag a line."""


def read(files: Files) -> list[str]:
    """Return the tags, oldest first."""
    path = _path(files)
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def add(files: Files, tags: Iterable[str]) -> None:
    """Remember builds that the site does not use any more."""
    with _path(files).open("a", encoding="utf-8") as file:
        file.writelines(f"{tag}\n" for tag in tags)


def forget(files: Files) -> None:
    """Forget them all: they are removed."""
    _path(files).unlink(missing_ok=True)


def _path(files: Files) -> Path:
    return files.data / NAME
