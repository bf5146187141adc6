"""Keep what is to be sent until it can be: bounded, and on disk once it is more than a little.

The files have no name in any folder: the code that is executed cannot find them. When more is
kept than may be, the middle goes: how a run began and what it says now matter most.
"""

import tempfile
from collections import deque
from collections.abc import Callable
from typing import IO, Final

LIMIT: Final = 64 << 20
PIECE: Final = 4 << 20
IN_MEMORY: Final = 1 << 20


class _Piece:
    """Some lines, in a file that is only in memory while it is small."""

    def __init__(self, in_memory: int) -> None:
        self.size = 0
        self.lines = 0
        self.read_at = 0
        self.lost_lines = 0
        """How many lines were dropped just before this piece."""
        self.lost_bytes = 0
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115 - closed by close()

    def append(self, line: bytes) -> None:
        self._file.seek(self.size)
        self._file.write(line)
        self.size += len(line)
        self.lines += 1

    def take(self) -> bytes:
        """Return the next line; empty: there is none."""
        self._file.seek(self.read_at)
        line = self._file.readline()
        self.read_at += len(line)
        self.lines -= bool(line)
        return line

    def close(self) -> None:
        self._file.close()


class Spool:
    """Lines in their order, the first put in first out.

    Args:
        note: makes the line that takes the place of dropped ones, of their number and bytes.
        limit: how many bytes are kept.
        piece: how many of them are dropped at once.
    """

    def __init__(
        self, note: Callable[[int, int], bytes], *, limit: int = LIMIT, piece: int = PIECE
    ) -> None:
        self._note = note
        self._limit = limit
        self._piece = piece
        self._pieces: deque[_Piece] = deque()

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return sum(piece.size - piece.read_at for piece in self._pieces)

    def append(self, line: bytes) -> None:
        """Keep a line, which ends with its only line feed."""
        if not self._pieces or self._pieces[-1].size >= self._piece:
            self._pieces.append(_Piece(min(IN_MEMORY, self._piece)))
        last = self._pieces[-1]
        try:
            last.append(line)
        except OSError:
            # The disk is full. What is on it already stays; this line is counted as dropped.
            self._lose(last, line)
        while self.size > self._limit and len(self._pieces) > 1:
            self._drop_middle()

    def take(self, *, most_bytes: int, most_lines: int) -> list[bytes]:
        """Return and forget the next lines: at least one if there is any."""
        taken: list[bytes] = []
        size = 0
        while self._pieces and len(taken) < most_lines and size < most_bytes:
            first = self._pieces[0]
            if first.lost_lines:
                line = self._note(first.lost_lines, first.lost_bytes)
                first.lost_lines = first.lost_bytes = 0
            else:
                line = first.take()
            if line:
                taken.append(line)
                size += len(line)
            else:
                self._pieces.popleft().close()
        return taken

    def close(self) -> None:
        """Forget what is kept."""
        for piece in self._pieces:
            piece.close()
        self._pieces.clear()

    def _drop_middle(self) -> None:
        middle = len(self._pieces) // 2
        while middle == len(self._pieces) - 1:
            middle -= 1
        gone = self._pieces[middle]
        after = self._pieces[middle + 1]
        after.lost_lines += gone.lines + gone.lost_lines
        after.lost_bytes += gone.size - gone.read_at + gone.lost_bytes
        del self._pieces[middle]
        gone.close()

    def _lose(self, last: _Piece, line: bytes) -> None:
        after = _Piece(IN_MEMORY)
        if last.size:
            self._pieces.append(after)
        else:
            after = last
        after.lost_lines += 1
        after.lost_bytes += len(line)
