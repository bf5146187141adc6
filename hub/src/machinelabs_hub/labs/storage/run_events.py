"""Logs of runs: one file of JSON lines each, to which batches are added and forced to the disk.

An event has a number `n`, 1, 2, 3 and so on, given by the run, so what is sent twice is stored
once. Numbers only ever have gaps after the log is full: then nothing that was printed is kept.
A line that was cut off by a crash is removed when the file is opened again; its batch was never
answered, so the run sends it again.
"""

import contextlib
import json
import os
import re
import shutil
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from weakref import WeakValueDictionary

from machinelabs_hub.db.engine import DiskFull
from machinelabs_hub.errors import Conflict, Unavailable
from machinelabs_hub.labs.storage.blobs import FULL

_NAME: Final = "events.jsonl"
_ASIDE: Final = "screen.json"
_EVERY: Final = 256
"""Lines from one remembered place in a file to the next."""

_OPEN: Final = 256
"""Logs whose places are remembered when nobody uses them."""

_RESERVE: Final = 4 << 20
"""Bytes beyond the limit that are kept for what is not printed: states of cells, notes."""

_BEGINS: Final = re.compile(rb'\{"n":(\d+),')
_LAST: Final = b'"full":true}'
PRINTED: Final = frozenset({"stdout", "stderr", "output", "update", "clear"})

Event = dict[str, Any]


class EventGap(Conflict):
    """Events were sent that do not follow those that are stored."""

    code = "event_gap"

    def __init__(self, following: int) -> None:
        super().__init__(f"Event {following} comes next. Send from there.")
        self.following = following


class LogFault(Unavailable):
    """A log cannot be read or written."""

    code = "log_fault"

    def __init__(self) -> None:
        super().__init__(
            "The log of this run cannot be reached now. Try again in a moment; if it goes on, "
            "tell an admin."
        )


@dataclass(slots=True, weakref_slot=True)
class _Log:
    path: Path
    following: int = 1
    """The number of the next event."""
    size: int = 0
    """Bytes up to which all is whole."""
    is_full: bool = False
    lines: int = 0
    places: list[tuple[int, int]] = field(default_factory=list)
    """Number and offset of every so manieth line."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, number: int, offset: int, length: int, *, is_last: bool) -> None:
        if self.lines % _EVERY == 0:
            self.places.append((number, offset))
        self.lines += 1
        self.following = number + 1
        self.size = offset + length
        self.is_full = self.is_full or is_last

    def place_before(self, number: int) -> int:
        """Return the offset of a line at or before the event `number`."""
        index = bisect_right(self.places, (number, self.size)) - 1
        return self.places[index][1] if index >= 0 else 0


class EventStore:
    """The logs of a site, below one folder. This process alone writes them. Methods block."""

    def __init__(self, *, folder: Path, most_bytes: int, durable: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._most = most_bytes
        self._durable = durable
        # Whoever reads a log and who writes it have the same one, for as long as one of them does.
        self._logs: WeakValueDictionary[int, _Log] = WeakValueDictionary()
        self._recent: OrderedDict[int, _Log] = OrderedDict()
        self._lock = threading.Lock()

    def append(self, run: int, first: int, events: Sequence[Event]) -> int:
        """Store events numbered from `first` on, and return the number of the next.

        Args:
            run: the run's id.
            first: the number of the first event.
            events: each with `at` and `kind`; those that are stored already are left out.

        Raises:
            EventGap: `first` is beyond the next one.
            DiskFull: nothing of it is stored.
        """
        log = self._log(run)
        with log.lock:
            if first > log.following and not log.is_full:
                raise EventGap(log.following)
            skipped = max(0, log.following - first)
            batch = _Batch(log, self._most)
            for number, event in enumerate(events[skipped:], start=first + skipped):
                batch.add(number, event)
            if batch.content:
                self._write(log, bytes(batch.content))
            batch.done()
            return log.following

    def reader(self, run: int, *, after: int = 0) -> "EventReader":
        """Return what reads a log from the event after `after` on, as far as it is written."""
        return EventReader(self._log(run), after)

    def reader_at(self, run: int, place: int, after: int) -> "EventReader | None":
        """Return what goes on where another reader was; None: there is no such place."""
        reader = EventReader(self._log(run), after)
        return reader if reader.go_to(place) else None

    def put_aside(self, run: int, content: bytes) -> None:
        """Keep what spares reading a log anew; where that fails, it is read anew."""
        path = self._folder / str(run) / _ASIDE
        with contextlib.suppress(OSError):
            beside = path.with_suffix(".new")
            beside.write_bytes(content)
            beside.replace(path)

    def aside(self, run: int) -> bytes:
        """Return what was put aside last; empty: nothing."""
        try:
            return (self._folder / str(run) / _ASIDE).read_bytes()
        except OSError:
            return b""

    def following(self, run: int) -> int:
        """Return the number of a log's next event."""
        return self._log(run).following

    def is_full(self, run: int) -> bool:
        """Tell whether nothing more that is printed is kept in a log."""
        return self._log(run).is_full

    def size(self, run: int) -> int:
        """Return how many bytes a log has."""
        return self._log(run).size

    def ids(self) -> Iterator[int]:
        """Return the runs that have a folder."""
        for path in self._folder.iterdir():
            if path.name.isdecimal():
                yield int(path.name)

    def remove(self, run: int) -> None:
        """Remove all that is kept of a run."""
        with self._lock:
            self._logs.pop(run, None)
            self._recent.pop(run, None)
        shutil.rmtree(self._folder / str(run), ignore_errors=True)

    def _log(self, run: int) -> _Log:
        with self._lock:
            log = self._logs.get(run)
            if log is None:
                log = self._logs[run] = _recovered(self._folder / str(run) / _NAME)
            self._recent[run] = log
            self._recent.move_to_end(run)
            if len(self._recent) > _OPEN:
                self._recent.popitem(last=False)
            return log

    def _write(self, log: _Log, content: bytes) -> None:
        try:
            log.path.parent.mkdir(parents=True, exist_ok=True)
            with log.path.open("ab", buffering=0) as file:
                try:
                    _write_all(file.fileno(), content)
                    if self._durable:
                        os.fsync(file.fileno())
                except OSError:
                    # What was written of it is not there for anybody.
                    os.ftruncate(file.fileno(), log.size)
                    raise
        except OSError as error:
            if error.errno in FULL:
                raise DiskFull from error
            raise LogFault from error


class EventReader:
    """A place in a log; each `read` goes on from there."""

    def __init__(self, log: _Log, after: int) -> None:
        self._log = log
        with log.lock:
            self._offset = log.place_before(after + 1)
        self.after = after
        """The last event that was read."""

    def read(self, *, most: int = 1000, most_bytes: int = 512 * 1024) -> list[bytes]:
        """Return the next lines of JSON, at least one if there is one."""
        with self._log.lock:
            end = self._log.size
        found: list[bytes] = []
        taken = 0
        if self._offset >= end:
            return found
        try:
            with self._log.path.open("rb") as file:
                file.seek(self._offset)
                while self._offset < end and len(found) < most and taken < most_bytes:
                    line = file.readline()
                    self._offset += len(line)
                    number = number_of(line)
                    if number > self.after:
                        found.append(line[:-1])
                        self.after = number
                        taken += len(line)
        except OSError as error:
            raise LogFault from error
        return found

    def go_to(self, place: int) -> bool:
        """Go on behind the first `place` bytes; tell whether the log has them."""
        with self._log.lock:
            if not 0 <= place <= self._log.size:
                return False
        self._offset = place
        return True

    @property
    def place(self) -> int:
        """How many bytes of the log were read, or passed over."""
        return self._offset

    @property
    def end(self) -> int:
        """How many bytes the log has by now."""
        with self._log.lock:
            return self._log.size

    @property
    def is_at_end(self) -> bool:
        """Whether all that is written was read."""
        with self._log.lock:
            return self._offset >= self._log.size


class _Batch:
    """Lines that are to be added to a log, held to its limit."""

    def __init__(self, log: _Log, most: int) -> None:
        self._log = log
        self._most = most
        self._is_full = log.is_full
        self._lines: list[tuple[int, int, bool]] = []
        self._last = 0
        self.content = bytearray()

    def add(self, number: int, event: Event) -> None:
        self._last = number
        is_last = False
        line = _line(number, event)
        if event["kind"] in PRINTED:
            if self._is_full:
                return
            if self._size + len(line) > self._most:
                self._is_full = is_last = True
                line = _line(number, _full_note(event, self._most))
        elif self._size + len(line) > self._most + _RESERVE:
            return
        self._lines.append((number, len(line), is_last))
        self.content += line

    def done(self) -> None:
        """Take the lines for stored."""
        for number, length, is_last in self._lines:
            self._log.note(number, self._log.size, length, is_last=is_last)
        self._log.following = max(self._log.following, self._last + 1)
        self._log.is_full = self._is_full

    @property
    def _size(self) -> int:
        return self._log.size + len(self.content)


def _line(number: int, event: Event) -> bytes:
    said = {"n": number, **{key: value for key, value in event.items() if key != "n"}}
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    # Half of a pair of signs is no sign: programs print such, and no reader takes it.
    return text.encode("utf-8", "replace") + b"\n"


def _full_note(event: Event, most: int) -> Event:
    return {
        "at": event.get("at"),
        "kind": "note",
        "text": f"The log is longer than {most >> 20} MiB. What is printed from here on is not "
        "kept; files are.",
        "full": True,
    }


def number_of(line: bytes) -> int:
    """Return the number of the event that a line of a log holds; 0: it holds none."""
    begins = _BEGINS.match(line)
    return int(begins[1]) if begins else 0


def _recovered(path: Path) -> _Log:
    log = _Log(path)
    try:
        with path.open("rb") as file:
            for line in file:
                number = number_of(line)
                if not line.endswith(b"}\n") or number < log.following:
                    break
                log.note(number, log.size, len(line), is_last=line.endswith(_LAST + b"\n"))
        if path.stat().st_size > log.size:
            os.truncate(path, log.size)
    except FileNotFoundError:
        return log
    except OSError as error:
        raise LogFault from error
    return log


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
