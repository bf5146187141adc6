"""A row of a run's log: a line, an output, the heading of a cell, a note, an input."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from machinelabs_hub.labs.render import ansi
from machinelabs_hub.labs.render.fragments import fragment
from machinelabs_hub.labs.render.outputs import Shown


@dataclass(slots=True)
class Row:
    """A line, an output, the heading of a cell, or a note.

    Attributes:
        number: its place among all rows of the run, from 0.
        at: the number of the event that changed it last.
        line: its place among the lines; 0: it is none.
        cell: the cell that it comes from; None: no cell.
    """

    number: int
    kind: str
    at: int
    cell: int | None = None
    line: int = 0
    text: str = ""
    colours: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)
    made: str | None = None

    @property
    def html(self) -> str:
        """The row as one element."""
        if self.made is None:
            made = self._line() if self.line else self._other()
            if self.shown:
                # An output may be large, and is held already.
                return made
            self.made = made
        return self.made

    @property
    def size(self) -> int:
        """How many characters its output has; lines are short."""
        return int(self.shown.get("size", 0))

    def _line(self) -> str:
        text = ansi.to_html(self.colours + self.text)
        # Written by hand: there are very many of them.
        return (
            f'<div class="ml-run-line is-{self.kind}" id="L{self.line}" data-row="{self.number}">'
            f'<a href="#L{self.line}" aria-label="Line {self.line}">{self.line}</a>'
            f"<span>{text}</span></div>"
        )

    def _other(self) -> str:
        return fragment("run_row.html", row=self, **self.shown)

    def put_down(self) -> list[Any]:
        """Return it as JSON takes it."""
        shown = dict(self.shown)
        if isinstance(shown.get("output"), Shown):
            shown["output"] = [shown["output"].kind, shown["output"].html]
        return [
            self.number,
            self.kind,
            self.at,
            self.cell,
            self.line,
            self.text,
            self.colours,
            shown,
        ]

    @classmethod
    def taken_up(cls, said: list[Any]) -> "Row":
        """Return the row that was put down."""
        row = cls(*said)
        if row.kind == "output":
            row.shown = {**row.shown, "output": Shown(*row.shown["output"])}
        return row
