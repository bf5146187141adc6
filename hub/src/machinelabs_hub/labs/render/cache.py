"""Rendered content on disk, named by what it was made from: written once, never out of date.

Losing any of it only costs time. The oldest goes when the folder grows over its limit.
"""

import contextlib
import hashlib
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

RENDERER: Final = "4"
"""Raise it whenever the HTML that is made from the same bytes changes."""

_SMALL: Final = 512 << 10
_CHUNK: Final = 256 << 10


class RenderCache:
    """Keeps fragments by key; the small ones that were read last stay in memory too."""

    def __init__(
        self, *, folder: Path, disk_bytes: int = 2 << 30, memory_bytes: int = 64 << 20
    ) -> None:
        self._folder = folder
        self._disk_bytes = disk_bytes
        self._memory_bytes = memory_bytes
        self._memory: OrderedDict[str, str] = OrderedDict()
        self._held = 0
        self._written = 0
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def key(self, *parts: str) -> str:
        """Return the key of what is made from `parts` by this renderer."""
        return hashlib.sha256("\0".join((RENDERER, *parts)).encode()).hexdigest()

    def read(self, key: str) -> Iterator[str] | None:
        """Return the fragment kept under `key` in pieces of whole lines, or None."""
        with self._lock:
            if key in self._memory:
                self._memory.move_to_end(key)
                return iter((self._memory[key],))
        path = self._path(key)
        try:
            # The stream is closed by `_pieces`, when it was read to its end or is dropped.
            stream = path.open(encoding="utf-8", newline="")
        except FileNotFoundError:
            return None
        size = os.fstat(stream.fileno()).st_size
        with contextlib.suppress(OSError):
            os.utime(path)
        if size > _SMALL:
            return _pieces(stream)
        with stream:
            text = stream.read()
        self._remember(key, text)
        return iter((text,))

    def keep(self, key: str, pieces: Iterator[str]) -> Iterator[str]:
        """Yield `pieces` as they come, and keep them under `key` once all have come."""
        try:
            handle, name = tempfile.mkstemp(dir=self._folder, prefix="new-")
        except OSError:
            # A full disk must not keep anybody from reading.
            yield from pieces
            return
        draft = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="", errors="replace") as stream:
                whole = True
                for piece in pieces:
                    whole = whole and _write(stream, piece)
                    yield piece
            if whole:
                self._settle(draft, key)
        finally:
            draft.unlink(missing_ok=True)

    def _settle(self, draft: Path, key: str) -> None:
        path = self._path(key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            self._written += draft.stat().st_size
            draft.replace(path)
        if self._written > self._disk_bytes // 8:
            self._written = 0
            self.prune()

    def prune(self) -> None:
        """Remove what was read longest ago until the folder is well below its limit."""
        found = []
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                state = path.stat()
                found.append((state.st_mtime, state.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._disk_bytes * 3 // 4:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _remember(self, key: str, text: str) -> None:
        with self._lock:
            if key not in self._memory:
                self._memory[key] = text
                self._held += len(text)
            while self._held > self._memory_bytes and self._memory:
                _, old = self._memory.popitem(last=False)
                self._held -= len(old)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key[2:]


def _write(stream: TextIO, piece: str) -> bool:
    try:
        stream.write(piece)
    except OSError:
        return False
    return True


def _pieces(stream: TextIO) -> Iterator[str]:
    # Marks of links never span lines, so a piece that ends with a line holds whole marks.
    with stream:
        while lines := stream.readlines(_CHUNK):
            yield "".join(lines)
