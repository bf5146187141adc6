"""The sha256 of files, each read again only after it changed."""

import hashlib
import time
from pathlib import Path
from threading import Lock
from typing import Final

MOST: Final = 20_000
"""Files remembered; then the memory begins anew."""

RECENT_NS: Final = 2_000_000_000


class Fingerprints:
    """Remembers sha256 by path, inode, size and time of change. Safe among threads."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int, int], str]] = {}
        self._lock = Lock()

    def of(self, file: Path) -> str | None:
        """Return the sha256 of `file`, or None if there is none or it cannot be read."""
        try:
            about = file.stat()
            mark = (about.st_ino, about.st_size, about.st_mtime_ns)
            with self._lock:
                known = self._known.get(file)
            if known and known[0] == mark:
                return known[1]
            with file.open("rb") as content:
                sha = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError:
            return None
        self._remember(file, mark, sha, about.st_mtime_ns)
        return sha

    def _remember(self, file: Path, mark: tuple[int, int, int], sha: str, changed_ns: int) -> None:
        # A file written within the clock's step of this look could change again unseen.
        if time.time_ns() - changed_ns < RECENT_NS:
            return
        with self._lock:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[file] = (mark, sha)
