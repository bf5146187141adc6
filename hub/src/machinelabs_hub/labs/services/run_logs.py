"""The screens of runs: the first and the last rows of their logs, and what goes on in them.

A screen is put aside beside its log whenever that has grown by so much, also while nobody looks: a
page of however long a log reads the screen and what came since, and never all of it.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.render.cache import RENDERER
from machinelabs_hub.labs.render.runlog import Screen
from machinelabs_hub.labs.storage.run_events import EventReader, EventStore

EVERY_BYTES: Final = 1 << 20
_MOST: Final = 16
_VERSION: Final = f"{RENDERER}.1"
"""Raise the second number whenever a screen is put down in another way."""


class RunLog:
    """The screen of one run; it goes on reading where it stopped."""

    def __init__(self, run: Run, events: EventStore) -> None:
        self._run = run
        self._events = events
        self._screen = Screen()
        self._lock = threading.Lock()
        self._aside_at = self._aside_size = 0
        self._reader = self._taken_up() or events.reader(run.id)

    @contextmanager
    def screen(self) -> Iterator[Screen]:
        """Give the screen as it is now, to nobody else for the block."""
        self.read()
        with self._lock:
            yield self._screen

    def read(self) -> None:
        """Read what is there by now, a piece at a time: others get their turn between two."""
        end = self._reader.end
        while True:
            with self._lock:
                lines = self._reader.read() if self._reader.place < end else ()
                for line in lines:
                    self._screen.feed(json.loads(line))
                if self.is_due(self._reader.place):
                    self._put_aside()
            if not lines:
                return

    def is_due(self, size: int) -> bool:
        """Tell whether a log of so many bytes is to be put aside again."""
        # As seldom as it is large: all that is written of it stays below the log.
        return size - self._aside_at >= max(EVERY_BYTES, self._aside_size)

    def _put_aside(self) -> None:
        said = {
            "version": _VERSION,
            "made": self._run.created_at.isoformat(),
            "place": self._reader.place,
            "after": self._reader.after,
            "screen": self._screen.put_down(),
        }
        content = json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")
        self._events.put_aside(self._run.id, content)
        self._aside_at, self._aside_size = self._reader.place, len(content)

    def _taken_up(self) -> EventReader | None:
        content = self._events.aside(self._run.id)
        try:
            said = json.loads(content) if content else {}
        except ValueError:
            return None
        # An id may come again once a run is purged.
        mine = (_VERSION, self._run.created_at.isoformat())
        if (said.get("version"), said.get("made")) != mine:
            return None
        reader = self._events.reader_at(self._run.id, said["place"], said["after"])
        if reader is not None:
            self._screen.take_up(said["screen"])
            self._aside_at, self._aside_size = reader.place, len(content)
        return reader


class RunLogs:
    """The screens that were looked at last, and those of logs that grow."""

    def __init__(self, events: EventStore) -> None:
        self._events = events
        self._logs: OrderedDict[object, RunLog] = OrderedDict()
        self._due_at: OrderedDict[int, int] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, run: Run) -> RunLog:
        """Return the one screen of a run in this process."""
        key = (run.id, run.created_at)
        with self._lock:
            if key not in self._logs:
                self._logs[key] = RunLog(run, self._events)
            self._logs.move_to_end(key)
            if len(self._logs) > _MOST:
                self._logs.popitem(last=False)
            return self._logs[key]

    def grow(self, run: Run) -> None:
        """Put a log's screen aside if it has grown enough since it was looked at last."""
        size = self._events.size(run.id)
        with self._lock:
            if size < self._due_at.get(run.id, EVERY_BYTES):
                return
            self._due_at[run.id] = size + EVERY_BYTES
            self._due_at.move_to_end(run.id)
            if len(self._due_at) > 64 * _MOST:
                self._due_at.popitem(last=False)
        self.of(run).read()
