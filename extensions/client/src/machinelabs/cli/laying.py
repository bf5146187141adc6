"""Lay files of a site into a folder: each whole or not at all, and never over another one."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from machinelabs.cli.output import Bar
from machinelabs.errors import FolderFault, SiteFault
from machinelabs.paths import fault_of, shown

_PIECE: Final = 1 << 18


class Held(Protocol):
    """A file that the site has."""

    @property
    def path(self) -> str:
        """Where it is to lie, below the folder."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    @property
    def sha256(self) -> str:
        """Of its content."""


def check_paths(found: Iterable[Held]) -> None:
    """Refuse paths that lead out of the folder.

    Raises:
        SiteFault: with one such file.
    """
    for one in found:
        if fault := fault_of(one.path):
            raise SiteFault(f"A file of the site cannot be laid here: {fault}")


def is_there(place: Path, one: Held) -> bool:
    """Tell whether this very file is there.

    Raises:
        FolderFault: another one is.
    """
    if not place.exists():
        return False
    if place.is_file() and place.stat().st_size == one.size:
        with place.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == one.sha256:
                return True
    raise FolderFault(
        f"“{shown(one.path)}” is there already, and differs. Name a folder that is new or empty."
    )


def lay(place: Path, answer: AbstractContextManager[BinaryIO], sha256: str, bar: Bar) -> None:
    """Write one file whole, or not at all; an empty `sha256` is not compared."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".new-")
    draft = Path(name)
    digest = hashlib.sha256()
    try:
        with os.fdopen(handle, "wb") as file, answer as stream:
            counted = bar.reading(stream)
            while piece := counted.read(_PIECE):
                digest.update(piece)
                file.write(piece)
        if sha256 and digest.hexdigest() != sha256:
            raise SiteFault(f"“{shown(place.name)}” was cut short on the way. Try again.")
        draft.chmod(0o644)
        draft.rename(place)
    finally:
        draft.unlink(missing_ok=True)
