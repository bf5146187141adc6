"""Send what a run put into `outputs/`: plain files only, and none by way of a link.

The code may have laid links to anywhere in there; what is not inside is not its output.
"""

import os
import stat
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
    """Sends the files of one run."""

    def __init__(self, *, service: Service, feed: Feed) -> None:
        self._service = service
        self._feed = feed
        self._left_out = 0

    async def send(self, folder: Path, brought: Mapping[str, str]) -> int:
        """Send what is below `folder`/outputs; return how many files were.

        Args:
            folder: where the code ran.
            brought: what the lab itself brought there, by path, with its sha256: no output.
        """
        sent = 0
        for path, file in plain_files(folder / FOLDER):
            if file is None:
                self._leave_out(path, "it is a link, or no plain file.")
                continue
            with file:
                sent += await self._send(path, file, brought.get(f"{FOLDER}/{path}", ""))
        if self._left_out > MOST_NOTES:
            self._feed.put("note", text=f"{self._left_out} files of outputs/ are not kept.")
        return sent

    async def _send(self, path: str, file: BinaryIO, brought: str) -> bool:
        if fault := fault_of(path):
            self._leave_out(path, fault)
            return False
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
        self._left_out += 1
        if self._left_out <= MOST_NOTES:
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
