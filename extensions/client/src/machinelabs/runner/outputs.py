"""Send what a run put into `outputs/`: plain files only, and none by way of a link.

The code may have laid links to anywhere in there; what is not inside is not its output.
"""

import os
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from machinelabs.paths import fault_of, shown
from machinelabs.runner.feed import Feed
from machinelabs.runner.service import Refused, Service, sha256_of

FOLDER: Final = "outputs"
MOST_NOTES: Final = 20
"""So many files that are not kept are named in the log."""

_PLAIN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Sender:
    """Sends the outputs of one run; what was sent and is as it was is not sent again.

    Args:
        folder: where the code runs.
        brought: what the lab itself brought there, by path, with its sha256: no output.
        service: where they go.
        feed: where it is told what is left out.
    """

    def __init__(
        self, folder: Path, brought: Mapping[str, str], *, service: Service, feed: Feed
    ) -> None:
        self._folder = folder
        self._brought = brought
        self._service = service
        self._feed = feed
        self._sent: dict[str, tuple[int, ...]] = {}
        self._told: set[str] = set()

    async def send(self, *, most_bytes: int | None = None, rested: float = 0) -> None:
        """Send the files below `outputs/` that are new or changed.

        Args:
            most_bytes: larger ones are left for later; None: none are.
            rested: so are those that were written to in the last so many seconds.
        """
        is_early = most_bytes is not None
        for path, file in plain_files(self._folder / FOLDER):
            if file is None:
                if not is_early:
                    self._leave_out(path, "it is a link, or no plain file.")
                continue
            with file:
                about = os.fstat(file.fileno())
                is_late = time.time() - about.st_mtime < rested
                if is_early and (is_late or about.st_size > (most_bytes or 0)):
                    continue
                seen = (about.st_ino, about.st_size, about.st_mtime_ns)
                if self._sent.get(path) != seen and await self._send(path, file):
                    self._sent[path] = seen
        if not is_early and len(self._told) > MOST_NOTES:
            self._feed.put("note", text=f"{len(self._told)} files of outputs/ are not kept.")

    async def take_back(self) -> None:
        """Take back what was sent and is not there any more."""
        for path in list(self._sent):
            if not (self._folder / FOLDER / path).is_file():
                await self._service.drop_output(path)
                del self._sent[path]

    async def _send(self, path: str, file: BinaryIO) -> bool:
        if fault := fault_of(path):
            self._leave_out(path, fault)
            return False
        brought = self._brought.get(f"{FOLDER}/{path}")
        if brought and sha256_of(file)[0] == brought:
            return False
        try:
            await self._service.put_output(path, file)
        except Refused as error:
            self._leave_out(path, str(error))
            return False
        except OSError as error:
            self._leave_out(path, f"it cannot be read: {error.strerror}.")
            return False
        return True

    def _leave_out(self, path: str, why: str) -> None:
        if path in self._told:
            return
        self._told.add(path)
        if len(self._told) <= MOST_NOTES:
            self._feed.put("note", text=f"outputs/{shown(path)} is not kept: {why}")


def plain_files(root: Path) -> Iterator[tuple[str, BinaryIO | None]]:
    """Yield the files below a folder by path, each open; None in place of what is none."""
    if root.is_symlink():
        yield "", None
    if root.is_symlink() or not root.is_dir():
        return
    for folder, folders, names, at in os.fwalk(root, follow_symlinks=False):
        folders.sort()
        below = Path(folder).relative_to(root)
        for name in sorted(names):
            yield str(below / name), _open(name, at)


def _open(name: str, at: int) -> BinaryIO | None:
    try:
        handle = os.open(name, _PLAIN, dir_fd=at)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return os.fdopen(handle, "rb")
