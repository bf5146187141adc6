"""What runs printed, as rows: one screen for each run, shared by all who watch it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.render.links import Address, fill
from machinelabs_hub.labs.render.run_rows import Row
from machinelabs_hub.labs.render.run_use import Use
from machinelabs_hub.labs.render.runlog import Screen
from machinelabs_hub.labs.services.run_logs import RunLog

_TAIL: Final = 300
_AROUND: Final = 200


@dataclass(frozen=True, slots=True)
class Log:
    """Rows of a log as HTML.

    Attributes:
        at: the last event that is in it.
        head: the first rows, or those around a line.
        left_out: how many rows stand between them.
        tail: the last rows.
        lines: how many lines there are as far as they were read.
        trouble: why it is not the part that was asked for.
    """

    at: int
    head: tuple[str, ...]
    left_out: int
    tail: tuple[str, ...]
    lines: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What changed on a screen: numbers of rows and their HTML, and what the run used so far.

    Attributes:
        tracked: the last event that tells what the code measures.
    """

    at: int
    rows: tuple[tuple[int, str], ...]
    now: Use | None
    uses: tuple[Use, ...]
    tracked: int


class RunScreen:
    """The screen of one run as HTML."""

    def __init__(self, log: RunLog) -> None:
        self._log = log

    def log(self, address: Address) -> Log:
        """Return the log as it is now."""
        with self._log.screen() as screen:
            rows = list(screen.tail)[-_TAIL:]
            return Log(
                at=screen.at,
                head=tuple(_html(row, address) for row in screen.head),
                left_out=screen.count - len(screen.head) - len(rows),
                tail=tuple(_html(row, address) for row in rows),
                lines=screen.lines,
            )

    def news(self, after: int, address: Address) -> News:
        """Return what events after this one changed."""
        with self._log.screen() as screen:
            rows = tuple((row.number, _html(row, address)) for row in screen.changed(after))
            return News(screen.at, rows, screen.uses.now, tuple(screen.uses.points), screen.tracked)


def screen_of(ctx: Context, run: Run) -> RunScreen:
    """Return the screen of a run."""
    return RunScreen(ctx.tools.run_logs.of(run))


def log_around(ctx: Context, run: Run, line: int, address: Address) -> Log:
    """Return the log around one of its lines."""
    screen = Screen(head=0, tail=2 * _AROUND, until=line + _AROUND)
    for event in _events(ctx, run):
        screen.feed(event)
        if screen.is_full:
            break
    if line <= screen.lines:
        return _part(screen, address)
    so_far = "" if run.state.is_final else " so far"
    if screen.lines == 0:
        return _part(screen, address, f"The log has no line {line:,}{so_far}. This is all of it.")
    many = f"{screen.lines:,} lines" if screen.lines != 1 else "one line"
    return _part(screen, address, f"The log has {many}{so_far}. These are the last ones.")


def log_of_cell(ctx: Context, run: Run, cell: int, address: Address) -> Log:
    """Return the log from a little before a cell on; `cell` is its place, from 0."""
    screen = Screen(head=0, tail=2 * _AROUND)
    heading: Row | None = None
    for event in _events(ctx, run):
        screen.feed(event)
        if heading is None:
            heading = screen.cell(cell)
            if heading is not None:
                screen.stop_after(_AROUND)
        elif screen.is_full or screen.count >= heading.number + _AROUND:
            break
    if heading is not None:
        return _part(screen, address)
    so_far = "was not run" if run.state.is_final else "has not begun"
    return _part(screen, address, f"Cell {cell + 1} {so_far}. This is the end of the log.")


def _events(ctx: Context, run: Run) -> Iterator[Any]:
    reader = ctx.runs.log(run)
    while lines := reader.read():
        yield from map(json.loads, lines)


def _part(screen: Screen, address: Address, trouble: str = "") -> Log:
    rows = tuple(_html(row, address) for row in screen.tail)
    return Log(at=screen.at, head=rows, left_out=0, tail=(), lines=screen.lines, trouble=trouble)


def _html(row: Row, address: Address) -> str:
    return fill(row.html, address) if row.kind == "output" else row.html
