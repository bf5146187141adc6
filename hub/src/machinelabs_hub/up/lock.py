"""One `up` a site: a lock in DATA/run that the kernel lets go of when its process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from machinelabs_hub.errors import SetupError
from machinelabs_hub.sites import Files

LOCK: Final = "up.lock"


class AlreadyRunning(SetupError):
    """Another `machinelabs-hub up` runs this site."""

    code = "already_running"


@contextmanager
def only_one(files: Files) -> Iterator[None]:
    """Hold the site's lock during the block.

    Raises:
        AlreadyRunning: names the process that holds it.
    """
    with (files.run / LOCK).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"The site in {files.data} already runs (process {holder(files.run / LOCK)}). "
                "Stop that one first, or choose another folder with DATA= and another PORT=."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(path: Path) -> int | None:
    """Return the process that holds the lock at `path`, or None."""
    try:
        with path.open("r", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)
    except FileNotFoundError:
        return None
    return None
