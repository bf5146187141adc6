"""Places of a lab's files in a folder: never outside it, never on top of something else."""

import os
from pathlib import Path

from machinelabs.errors import FolderFault
from machinelabs.paths import shown


def check_place(root: Path, path: str) -> None:
    """Refuse a place that a link leads out of `root`, or whose folder is a file.

    Raises:
        FolderFault: says what to do.
    """
    top = root.resolve()
    parent = (top / path).parent
    if not parent.resolve().is_relative_to(top):
        raise FolderFault(
            f"“{shown(path)}” would be laid outside this folder, through a link. "
            "Remove the link and try again."
        )
    for above in (parent, *parent.parents):
        if above == top:
            return
        if above.exists() and not above.is_dir():
            raise FolderFault(
                f"“{shown(path)}” needs a folder where you have a file. "
                f"Rename “{above.name}” and try again."
            )


def free_name(root: Path, path: str) -> str:
    """Return `path`, or one like it where nothing stands yet."""
    number, free = 1, path
    while os.path.lexists(root / free):
        number += 1
        stem, dot, suffix = path.rpartition(".")
        free = f"{stem}-{number}{dot}{suffix}" if dot else f"{path}-{number}"
    return free


def remove(root: Path, path: str) -> None:
    """Remove a file, and the folders that are empty without it."""
    target = root / path
    target.unlink(missing_ok=True)
    for folder in target.parents:
        if folder == root or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()
