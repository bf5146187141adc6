"""The phases of a start, with their seconds: what the waiting page shows."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """The steps of a start, in their order.

    Only a start whose image the engine lacks fetches it; only one that needs a GPU stands in line.
    """

    FETCH = "fetch"
    LINE = "line"
    QUEUE = "queue"
    PULL = "pull"
    CREATE = "create"
    START = "start"
    READY = "ready"


SENTENCES = {
    Phase.FETCH: "Fetching the image",
    Phase.LINE: "In line for a GPU",
    Phase.QUEUE: "Waiting for a turn",
    Phase.PULL: "Finding the image",
    Phase.CREATE: "Making your container",
    Phase.START: "Starting it",
    Phase.READY: "Waiting for JupyterLab",
}
"""What each phase is called while it lasts."""

PERCENT = {
    Phase.FETCH: 0,
    Phase.LINE: 0,
    Phase.QUEUE: 5,
    Phase.PULL: 15,
    Phase.CREATE: 25,
    Phase.START: 45,
    Phase.READY: 65,
}
"""How far a start is when the phase begins."""

OPTIONAL = frozenset({Phase.FETCH, Phase.LINE})
"""What not every start goes through."""


@dataclass(slots=True)
class PhaseLog:
    """When each phase of one start began and ended, and its place in the line (0: none)."""

    clock: Callable[[], float] = time.monotonic
    place: int = 0
    line: dict[str, Any] | None = None
    """Where it stands in the line for a GPU, of `standing`."""
    fetched: str = ""
    """How much of the image has come, as a sentence."""
    _began: dict[Phase, float] = field(default_factory=dict)
    _ended: float | None = None

    def enter(self, phase: Phase) -> None:
        """Note that `phase` begins, and the one before it ends."""
        self._began[phase] = self.clock()

    def end(self) -> None:
        """Note that the last phase ended."""
        self._ended = self.clock()

    @property
    def current(self) -> Phase | None:
        """The phase that lasts now, or lasted when the start ended."""
        return next(reversed(self._began), None)

    def seconds(self) -> dict[Phase, float]:
        """Return how long each phase that began has lasted, in seconds."""
        last = self._ended if self._ended is not None else self.clock()
        ends = [*list(self._began.values())[1:], last]
        return {
            phase: end - begin
            for (phase, begin), end in zip(self._began.items(), ends, strict=False)
        }

    def event(self) -> dict[str, Any]:
        """Return the state as an event of JupyterHub's progress stream."""
        seconds, current = self.seconds(), self.current
        return {
            "progress": PERCENT[current] if current else 0,
            "message": self._sentence(current),
            "phase": current.value if current else None,
            "phases": [
                {
                    "name": phase.value,
                    "title": SENTENCES[phase],
                    "state": self._state(phase),
                    "seconds": round(seconds.get(phase, 0.0), 1),
                }
                for phase in Phase
                if phase not in OPTIONAL or phase in self._began
            ],
            "seconds": round(sum(seconds.values()), 1),
            "place": self.place,
            "line": self.line,
        }

    def _state(self, phase: Phase) -> str:
        if phase not in self._began:
            return "todo"
        return "now" if phase is self.current and self._ended is None else "done"

    def _sentence(self, phase: Phase | None) -> str:
        if phase is None:
            return "Your server was asked for"
        if phase is Phase.FETCH and self.fetched:
            return self.fetched
        if phase is Phase.LINE and self.line:
            return str(self.line["sentence"])
        if phase is Phase.QUEUE and self.place:
            return f"Waiting for a turn: number {self.place} in line"
        return SENTENCES[phase]
