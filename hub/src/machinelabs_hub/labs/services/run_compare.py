"""Compare runs of a lab side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import Run, RunOutput
from machinelabs_hub.labs.models.run_compare import (
    OutputRow,
    Row,
    check_numbers,
    outputs_of,
    rows_of,
)
from machinelabs_hub.labs.models.values import measured
from machinelabs_hub.labs.render.files import Kind, kind_of
from machinelabs_hub.labs.services.compare import Content, Unshown, content_of
from machinelabs_hub.labs.services.runs import NoOutput, RunService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.names import shown

MOST_OUTPUTS: Final = 100
"""Files of each run that are looked at."""
_TEXT_MIB: Final = 1
_NOTEBOOK_MIB: Final = 25


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Runs side by side, each a column.

    Attributes:
        parameters: what they were given, and what their code told of itself.
        metrics: the last value of each.
        more_outputs: whether a run put out more files than are looked at.
    """

    runs: tuple[Run, ...]
    parameters: tuple[Row, ...]
    metrics: tuple[Row, ...]
    outputs: tuple[OutputRow, ...]
    more_outputs: bool


@dataclass(frozen=True, slots=True)
class OutputChange:
    """How a file of the first run differs from another run's; an empty content: it does not."""

    before: Run
    after: Run
    content: Content


class RunCompareService:
    """Comparisons of runs that `viewer` may see."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._runs = RunService(tools=tools, viewer=viewer)

    def compare(self, lab: Lab, numbers: Iterable[int]) -> RunComparison:
        """Compare runs of a lab.

        Raises:
            BadComparison: there are too few or too many.
            NoRun: the lab has none of such a number, or none that the viewer may see.
        """
        runs = tuple(self._runs.get(lab, number) for number in check_numbers(numbers))
        ids = [run.id for run in runs]
        told, last = self._tools.tracks.params(ids), self._tools.tracks.last(ids)
        held = [self._runs.outputs(run, limit=MOST_OUTPUTS) for run in runs]
        return RunComparison(
            runs,
            rows_of([{**told[run.id], **run.parameters} for run in runs]),
            rows_of([_numbers(last[run.id]) for run in runs], measured),
            outputs_of([page.items for page in held]),
            any(page.next for page in held),
        )

    def changes(self, runs: tuple[Run, ...], path: str) -> tuple[OutputChange, ...]:
        """Return how a file differs between the first run that has it and the others.

        Args:
            runs: which the viewer may see.
            path: of an output; empty: the executed notebook.

        Raises:
            NoOutput: none of the runs has it.
        """
        have = [(run, file) for run in runs if (file := self._find(run, path)) is not None]
        if not have:
            raise NoOutput(f"None of these runs put out “{shown(path or 'a notebook')}”.")
        first, old = have[0]
        return tuple(OutputChange(first, run, self._content(old, new)) for run, new in have[1:])

    def _find(self, run: Run, path: str) -> RunOutput | None:
        if path:
            return self._tools.run_outputs.find(run, path)
        return self._runs.notebook(run) if run.notebook else None

    def _content(self, old: RunOutput, new: RunOutput) -> Content:
        if old.sha256 == new.sha256:
            return Unshown("It is the same.")
        kind = kind_of(old.name)
        if kind in {Kind.IMAGE, Kind.BINARY}:
            return Unshown("It is not text.")
        mib = _NOTEBOOK_MIB if kind is Kind.NOTEBOOK else _TEXT_MIB
        if max(old.size, new.size) > mib << 20:
            return Unshown(f"It is larger than {mib} MiB, too large to be compared here.")
        return content_of(old.path, self._read(old), self._read(new))

    def _read(self, file: RunOutput) -> bytes:
        return b"".join(self._runs.content(file))


def _numbers(last: dict[str, float | None]) -> dict[str, Any]:
    return {name: float("nan") if value is None else value for name, value in last.items()}
