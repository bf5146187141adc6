"""Is there room on the disk for what a site writes?"""

import shutil
from pathlib import Path
from typing import Final

from machinelabs_hub.errors import SetupError

LEAST_MIB: Final = 256
"""Less than this and databases and logs cannot be trusted to be written."""

FIRST_MIB: Final = 4096
"""What the catalogue's images and their packages need at the first start."""


class NoRoom(SetupError):
    """The disk is too full for a site."""

    code = "no_room"


def free_mib(folder: Path) -> int:
    """Return the free MiB of the disk that holds `folder`, or its nearest folder above."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // 2**20


def check_room(folder: Path, *, need_mib: int = LEAST_MIB) -> None:
    """Return if the disk of `folder` has `need_mib` free.

    Raises:
        NoRoom: says how much there is and how much is needed.
    """
    free = free_mib(folder)
    if free < need_mib:
        raise NoRoom(
            f"The disk that holds {folder} has {free} MiB left, and {need_mib} MiB are needed. "
            "Free some space there, or choose another folder with DATA=, then start again."
        )
