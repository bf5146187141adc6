"""What `ml` writes: sentences for people, one JSON object for programs, progress on the side."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, TextIO, cast

from machinelabs.errors import HubError

_EVERY_SECONDS: Final = 0.1
_WIDTH: Final = 24


class Output:
    """Standard output holds the result alone; what goes on is told on standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._out: TextIO = sys.stdout
        self._err: TextIO = sys.stderr

    def result(self, body: dict[str, Any], *lines: str) -> None:
        """Give the result: `lines` to people, `body` to programs."""
        if self._as_json:
            print(json.dumps(body, ensure_ascii=False, indent=1), file=self._out)
        else:
            for line in lines:
                print(line, file=self._out)

    def note(self, line: str) -> None:
        """Tell what goes on."""
        print(line, file=self._err, flush=True)

    def ask(self, question: str) -> bool:
        """Ask a person at a terminal; whoever does not say yes says no."""
        if not (sys.stdin.isatty() and self._err.isatty()):
            return False
        print(f"\n{question} [y/N] ", end="", file=self._err, flush=True)
        try:
            return sys.stdin.readline().strip().lower() in {"y", "yes"}
        except KeyboardInterrupt:
            return False

    def failed(self, error: HubError, sentence: str, code: int) -> None:
        """Give the error instead of a result."""
        if self._as_json:
            body = {"error": {"code": error.code, "message": sentence, "exit": code}}
            print(json.dumps(body, ensure_ascii=False, indent=1), file=self._out)
        else:
            self.note(sentence)

    def progress(self, what: str) -> "Bar":
        """Return a bar that only a terminal sees."""
        return Bar(what, self._err if self._err.isatty() and not self._as_json else None)


class Bar:
    """How far something is, on one line that is gone when it is done."""

    def __init__(self, what: str, to: TextIO | None) -> None:
        self._what = what
        self._to = to
        self._total = 0
        self._done = 0
        self._shown_at = 0.0

    def on_total(self, size: int) -> None:
        """Take how many bytes there are."""
        self._total = size

    def on_bytes(self, count: int) -> None:
        """Count `count` more bytes."""
        self._done += count
        now = time.monotonic()
        if self._to is not None and now - self._shown_at >= _EVERY_SECONDS:
            self._shown_at = now
            self._to.write(f"\r{self._line()}\033[K")
            self._to.flush()

    def reading(self, stream: BinaryIO) -> BinaryIO:
        """Return `stream`, every read of which is counted."""
        return cast("BinaryIO", _Counted(stream, self))

    def clear(self) -> None:
        """Take the line away."""
        if self._to is not None and self._shown_at:
            self._to.write("\r\033[K")
            self._to.flush()

    def _line(self) -> str:
        if not self._total:
            return f"{self._what} {size(self._done)}"
        # A tar is a little more than the files in it.
        share = min(1.0, self._done / self._total)
        full = round(share * _WIDTH)
        bar = "█" * full + "░" * (_WIDTH - full)
        return f"{self._what} {bar} {share:4.0%} of {size(self._total)}"


class _Counted:
    def __init__(self, stream: BinaryIO, bar: Bar) -> None:
        self._stream = stream
        self._bar = bar

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self._bar.on_bytes(len(piece))
        return piece


def size(count: int) -> str:
    """Return bytes as people say them: `1.4 MiB`."""
    number, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if number < 1000:  # noqa: PLR2004 - four digits are hard to read
            break
        number, unit = number / 1024, larger
    return f"{number:.0f} {unit}" if unit == "B" or number >= 10 else f"{number:.1f} {unit}"  # noqa: PLR2004


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows as lines in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
