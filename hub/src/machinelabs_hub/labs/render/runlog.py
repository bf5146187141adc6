"""What a run prints and draws, as rows of HTML: the first ones, the last ones, and what changed.

A terminal's returns write over, colours last until they end, and each stream has a line of its own
that is not finished yet, so that a progress bar stays one row while the program prints.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from machinelabs_hub.labs.models.tracking import KINDS
from machinelabs_hub.labs.render import ansi, outputs
from machinelabs_hub.labs.render.outputs import mapping_of, text_of
from machinelabs_hub.labs.render.run_rows import Row
from machinelabs_hub.labs.render.run_use import Uses

_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_RESET: Final = re.compile(r"\x1b\[0*m")
_LONGEST: Final = 4_000
_LONGEST_COLOURS: Final = 200
_LARGEST: Final = 2 << 20
_DISPLAYS: Final = 1_000
_INPUTS: Final = 1_000
_STREAMS: Final = frozenset({"stdout", "stderr"})
_FIGURES: Final = KINDS | {"usage"}
_COUNTS: Final = ("at", "lines", "count", "tracked")
_NAMED: Final = ("open", "cells", "displays", "inputs")
_TOO_LONG: Final = "… (this line goes on in the whole log)"
_TOO_LARGE: Final = "An output is too large to be shown here. It is in the executed notebook."


class Screen:
    """The rows of one run, as far as its events were fed.

    Args:
        head: how many of the first rows are kept.
        tail: how many of the last rows are kept besides.
        most_characters: of the outputs in each of both; fewer rows are kept if they have more.
        until: the last line to take; None: all of them.
    """

    def __init__(
        self,
        *,
        head: int = 100,
        tail: int = 1_000,
        most_characters: int = 4 << 20,
        until: int | None = None,
    ) -> None:
        self.at = 0
        self.lines = 0
        self.count = 0
        self.uses = Uses()
        self.tracked = 0
        """The last event that tells what the code measures."""
        self.head: list[Row] = []
        self.tail: deque[Row] = deque()
        self._most_head = head
        self._most_tail = tail
        self._most_characters = most_characters
        self._until = until
        self._open: dict[str, Row] = {}
        self._colours: dict[str, str] = {}
        self._cells: dict[int, Row] = {}
        self._displays: OrderedDict[str, Row] = OrderedDict()
        self._inputs: dict[str, Row] = {}
        self._clears: set[int] = set()
        self._free: dict[int, deque[Row]] = {}

    def feed(self, event: Mapping[str, Any]) -> None:
        """Take the next event; what is not understood is passed over."""
        n, kind, cell = event.get("n"), event.get("kind"), event.get("cell")
        if not isinstance(n, int) or n <= self.at or self.is_full:
            return
        self.at = n
        where = cell if isinstance(cell, int) and not isinstance(cell, bool) else None
        if kind in _STREAMS:
            self._write(str(kind), text_of(event.get("text")), where)
        elif kind == "output":
            self._output(mapping_of(event.get("output")), where, _display_of(event))
        elif kind == "update":
            self._update(event)
        elif kind == "cell" and where is not None:
            self._cell(where, event)
        elif kind == "clear" and where is not None:
            self._clear(where, waits=event.get("wait") is True)
        elif kind == "note":
            self._add("note", None).shown = {"text": text_of(event.get("text"))}
        elif kind == "input":
            self._input(event)
        elif kind in _FIGURES:
            self._figure(n, event)

    def put_down(self) -> dict[str, Any]:
        """Return all that it is as JSON takes it, to be taken up later."""
        rows: dict[int, Row] = {}

        def place(row: Row) -> int:
            rows[id(row)] = row
            return id(row)

        def places(named: Mapping[Any, Row]) -> list[list[Any]]:
            return [[name, place(row)] for name, row in named.items()]

        said = {name: getattr(self, name) for name in _COUNTS}
        kept = {
            "head": [place(row) for row in self.head],
            "tail": [place(row) for row in self.tail],
        }
        named = {name: places(getattr(self, f"_{name}")) for name in _NAMED}
        free = [[cell, [place(row) for row in left]] for cell, left in self._free.items()]
        return {
            "counts": said,
            "rows": [[key, row.put_down()] for key, row in rows.items()],
            **kept,
            **named,
            "free": free,
            "colours": self._colours,
            "clears": sorted(self._clears),
            "uses": self.uses.put_down(),
        }

    def take_up(self, said: Mapping[str, Any]) -> None:
        """Go on as the one that was put down."""
        rows = {key: Row.taken_up(row) for key, row in said["rows"]}
        for name in _COUNTS:
            setattr(self, name, said["counts"][name])
        self.head = [rows[key] for key in said["head"]]
        self.tail = deque(rows[key] for key in said["tail"])
        for name in _NAMED:
            named = getattr(self, f"_{name}")
            named.update((called, rows[key]) for called, key in said[name])
        self._free = {cell: deque(rows[key] for key in left) for cell, left in said["free"]}
        self._colours = dict(said["colours"])
        self._clears = set(said["clears"])
        self.uses.take_up(said["uses"])

    def cell(self, cell: int) -> Row | None:
        """Return the heading of a cell if none was begun since."""
        return self._cells.get(cell)

    def stop_after(self, lines: int) -> None:
        """Take so many lines more than there are now, and no others."""
        self._until = self.lines + lines

    def changed(self, after: int) -> Iterator[Row]:
        """Yield the rows that events after this one changed, as far as they are kept."""
        for row in (*self.head, *self.tail):
            if row.at > after:
                yield row

    @property
    def is_full(self) -> bool:
        """Whether the last line that it is to take is there."""
        return self._until is not None and self.lines >= self._until

    @property
    def dropped(self) -> int:
        """How many rows between the first and the last ones are not kept."""
        return self.count - len(self.head) - len(self.tail)

    def _figure(self, n: int, event: Mapping[str, Any]) -> None:
        if event["kind"] in KINDS:
            self.tracked = n
        else:
            self.uses.add(event)

    def _write(self, stream: str, text: str, cell: int | None) -> None:
        self._clear_if_due(cell)
        row = self._open.pop(stream, None)
        if row is not None and row.cell != cell:
            row = None
        lines = ((row.text if row else "") + text).replace("\r\n", "\n").split("\n")
        for number, line in enumerate(lines):
            is_last = number == len(lines) - 1
            if is_last and not line:
                # The next line begins where there is something to put into it.
                return
            if row is None:
                if self.is_full:
                    return
                row = self._add(stream, cell)
                row.line, row.colours = self._next_line(), self._colours.get(stream, "")
            self._set(row, _kept(line, is_open=is_last))
            if is_last:
                self._open[stream] = row
            else:
                self._colours[stream] = _colours_after(row.colours, line)
                row = None

    def _next_line(self) -> int:
        self.lines += 1
        return self.lines

    def _set(self, row: Row, text: str) -> None:
        row.text, row.at, row.made = text, self.at, None

    def _output(self, output: Mapping[str, Any], cell: int | None, display: str) -> None:
        if output.get("output_type") == "stream":
            stream = "stderr" if output.get("name") == "stderr" else "stdout"
            self._write(stream, text_of(output.get("text")), cell)
            return
        self._clear_if_due(cell)
        row = self._add("output", cell)
        row.shown = _shown(output, cell)
        self._trim()
        if display:
            self._displays[display] = row
            if len(self._displays) > _DISPLAYS:
                self._displays.popitem(last=False)

    def _update(self, event: Mapping[str, Any]) -> None:
        row = self._displays.get(_display_of(event))
        if row is None or row.kind == "gone":
            return
        output = mapping_of(event.get("output")) or {
            "output_type": "display_data",
            "data": event.get("data"),
            "metadata": event.get("metadata"),
        }
        row.shown, row.at, row.made = _shown(output, row.cell), self.at, None
        self._trim()

    def _cell(self, cell: int, event: Mapping[str, Any]) -> None:
        self._open.clear()
        self._colours.clear()
        row = self._cells.get(cell)
        if row is None:
            # Few cells come back: only the last one is still in reach.
            row = self._add("cell", cell)
            self._cells, self._free = {cell: row}, {}
        said = {key: event[key] for key in ("state", "title", "seconds") if key in event}
        known = {"state": "running", "title": "", "seconds": None} | dict(row.shown)
        row.shown, row.at, row.made = known | said, self.at, None

    def _input(self, event: Mapping[str, Any]) -> None:
        name = text_of(event.get("name"))
        row = self._inputs.get(name)
        if row is None:
            row = self._inputs[name] = self._add("input", None)
            if len(self._inputs) > _INPUTS:
                del self._inputs[next(iter(self._inputs))]
        received, total = (_count(event.get(key)) for key in ("received", "total"))
        row.shown = {
            "name": name,
            "state": text_of(event.get("state")),
            "received": received,
            "total": max(received, total) if total else 0,
            "is_kept": event.get("is_kept") is True,
            "why": text_of(event.get("text")),
        }
        row.at, row.made = self.at, None

    def _clear(self, cell: int, *, waits: bool) -> None:
        if waits:
            self._clears.add(cell)
            return
        self._open.clear()
        gone = [row for row in (*self.head, *self.tail) if row.cell == cell and row.kind != "cell"]
        for row in gone:
            row.kind, row.line, row.text, row.shown = "gone", 0, "", {}
            row.at, row.made = self.at, None
        # What the cell shows next stands in their place, so that a film stays where it is.
        self._free[cell] = deque(gone)

    def _clear_if_due(self, cell: int | None) -> None:
        if cell is not None and cell in self._clears:
            self._clears.discard(cell)
            self._clear(cell, waits=False)

    def _add(self, kind: str, cell: int | None) -> Row:
        """Return a row to be filled: a new one, or one that its cell cleared."""
        free = self._free.get(cell) if cell is not None else None
        while free:
            row = free.popleft()
            if row.number < len(self.head) or (self.tail and row.number >= self.tail[0].number):
                row.kind, row.at, row.made, row.colours = kind, self.at, None, ""
                return row
        row = Row(self.count, kind, self.at, cell)
        self.count += 1
        if len(self.head) < self._most_head and not self.tail:
            self.head.append(row)
        else:
            self.tail.append(row)
        if len(self.tail) > self._most_tail:
            _let_go(self.tail.popleft())
        return row

    def _trim(self) -> None:
        """Drop the rows before the last outputs that are within bounds."""
        if not self.tail and sum(row.size for row in self.head) > self._most_characters:
            self.tail.append(self.head.pop())
        held = sum(row.size for row in self.tail)
        while held > self._most_characters and len(self.tail) > 1:
            gone = self.tail.popleft()
            held -= gone.size
            _let_go(gone)


def _let_go(row: Row) -> None:
    """Hold nothing of an output any more, also where something that comes may still name it."""
    if row.kind == "output":
        row.kind, row.shown, row.made = "gone", {}, None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _display_of(event: Mapping[str, Any]) -> str:
    output = mapping_of(event.get("output"))
    said = event.get("display_id") or mapping_of(output.get("transient")).get("display_id")
    return said if isinstance(said, str) else ""


def _shown(output: Mapping[str, Any], cell: int | None) -> dict[str, Any]:
    shown = outputs.show(output, folder="", cell=cell or 0)
    if len(shown.html) > _LARGEST:
        shown = outputs.Shown("note", escape(_TOO_LARGE))
    return {"output": shown, "size": len(shown.html)}


def _kept(line: str, *, is_open: bool) -> str:
    """Return what is to be kept of a line: what can still be written over, and no more."""
    if "\r" in line:
        before, _, last = line.rpartition("\r")
        line = f"{ansi.settle(before)}\r{last}" if is_open else ansi.settle(line)
    if len(line) > _LONGEST and "\x08" in line:
        line = ansi.settle(line)
    if len(line) > _LONGEST + len(_TOO_LONG):
        line = line[:_LONGEST] + _TOO_LONG
    return line


def _colours_after(before: str, line: str) -> str:
    """Return the sequences that are in force after a line."""
    if "\x1b" not in line:
        return before
    said = before + "".join(_COLOUR.findall(line))
    return _RESET.split(said)[-1][-_LONGEST_COLOURS:]
