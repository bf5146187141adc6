"""Let one program at a time publish, lay or update a folder: `ml`, JupyterLab, a script."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from machinelabs.errors import Busy, FolderFault
from machinelabs.links import Link
from machinelabs.paths import shown

if sys.platform != "win32":
    import fcntl


@contextmanager
def hold(link: Link) -> Iterator[None]:
    """Keep others from publishing, laying or updating `link` meanwhile.

    The lock is the kernel's, on a file beside the state, which stays there: it ends with the
    process, however that ends.

    Raises:
        Busy: another program, or another thread of this one, is at it.
        FolderFault: the folder cannot be written to.
    """
    path = link.state_file.with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise FolderFault(
            f"“{shown(link.root.name)}” cannot be written to: {error.strerror}."
        ) from error
    with file:
        _lock(file, link)
        yield


def _lock(file: BinaryIO, link: Link) -> None:
    # On Windows there is no JupyterLab of a site beside it, and `ml` goes without.
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(
                f"Another program is publishing or changing “{shown(link.only or link.root.name)}” "
                "at this moment. Try again when it is done."
            ) from error
        except OSError:
            # A file system without locks: as it is with one program at a time.
            return
