"""What comes of verifying a revision: a verdict for each cell, and one for all. Pure."""

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from machinelabs_hub.catalog.model import Flavour
from machinelabs_hub.labs.models.run import Reason, Run, RunState

INJECTED: Final = "injected-parameters"
"""The tag of the cell that holds the values a notebook was executed with."""


class Same(StrEnum):
    """How what a cell shows compares with what it shows in the revision."""

    SAME = "same"
    NEAR = "near"
    """Numbers and pictures differ, no more than they may."""
    DIFFERS = "differs"
    FAILED = "failed"
    """It raised an error that the revision does not show."""
    NOTHING = "nothing"
    """The revision shows nothing here to compare with."""

    @property
    def is_fine(self) -> bool:
        """Whether nothing is wrong with it."""
        return self not in {Same.DIFFERS, Same.FAILED}


class Verdict(StrEnum):
    """What a verification says of its revision."""

    PENDING = "pending"
    CLEAN = "clean"
    """It ran from top to bottom without an error, and shows what the revision shows."""
    DIFFERS = "differs"
    FAILED = "failed"
    VOID = "void"
    """The run ended for reasons that are not the lab's, so it says nothing."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """What came of one code cell.

    Attributes:
        number: its place among the cells of the revision's notebook, from 1.
        title: the first line of its source.
        why: what differs, in a sentence; empty: nothing does.
    """

    number: int
    title: str
    same: Same
    why: str = ""


@dataclass(frozen=True, slots=True)
class Clean:
    """What a lab that runs clean rests on: when a run showed it, and in which image."""

    since: datetime
    image: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a verification holds for: when any of it changes, it says nothing of today.

    Attributes:
        image_id: the site's build of the image; empty: not known.
        gpu: the class of GPU; empty: none.
        inputs: the SHA-256 of what was taken in, by address.
    """

    image: str
    image_id: str
    gpu: str
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verification:
    """One run that says whether a revision runs clean.

    Attributes:
        run_id: None: the run was deleted for good.
        number: the number of the run in its lab.
        person: who asked for it.
    """

    id: int
    lab_id: int
    run_id: int | None
    number: int
    revision: int
    person: str
    asked_at: datetime
    verdict: Verdict
    sentence: str
    path: str
    flavour: str
    conditions: Conditions
    cells: tuple[CellResult, ...]
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What showed that a lab runs clean, beside what the lab names today.

    Attributes:
        verification: its id; of the labs' newest revisions, the last that counts.
        image: what the lab names; empty: nothing, so the site's own.
        flavour: in which size it would run.
        runs_clean: what the lab says of itself now.
    """

    verification: int
    lab_id: int
    image: str
    flavour: str
    then: Conditions
    runs_clean: bool | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a verification comes to."""

    verdict: Verdict
    sentence: str
    cells: tuple[CellResult, ...] = ()


def outcome_of(run: Run, cells: tuple[CellResult, ...]) -> Outcome:
    """Return what a run that is over says of the revision that it executed."""
    if run.state is RunState.FINISHED:
        return _finished(cells)
    if run.state is RunState.FAILED and is_of_code(run.reason):
        sentence = run.reason.sentence if run.reason else ""
        return Outcome(Verdict.FAILED, sentence, cells)
    why = run.reason.sentence if run.reason and run.reason.sentence else "It did not run."
    return Outcome(Verdict.VOID, why)


def is_of_code(reason: Reason | None) -> bool:
    """Tell whether a run failed by its code, and not for want of a container or an input."""
    return reason is not None and (reason.cell is not None or bool(reason.ename))


def _finished(cells: tuple[CellResult, ...]) -> Outcome:
    wrong = [cell for cell in cells if not cell.same.is_fine]
    compared = sum(cell.same is not Same.NOTHING for cell in cells)
    if wrong:
        numbers = ", ".join(str(cell.number) for cell in wrong[:_NAMED])
        more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
        what = "Cell" if len(wrong) == 1 else "Cells"
        verb = "shows" if len(wrong) == 1 else "show"
        return Outcome(
            Verdict.DIFFERS,
            f"{what} {numbers}{more} {verb} something else than in the revision.",
            cells,
        )
    if not compared:
        said = "It ran without an error. The revision shows no results to compare with."
        return Outcome(Verdict.CLEAN, said, cells)
    many = "1 cell shows" if compared == 1 else f"{compared} cells show"
    return Outcome(Verdict.CLEAN, f"{many} what the revision shows.", cells)


_NAMED: Final = 5


def changes_since(then: Conditions, now: Conditions) -> tuple[str, ...]:
    """Return what changed since a verification, as words; none: it holds."""
    changes = []
    if now.image != then.image:
        changes.append(f"the lab runs in {now.image} now")
    elif now.image_id != then.image_id:
        changes.append(f"the site has another build of {now.image}")
    if now.gpu != then.gpu:
        changes.append(f"it would run on {now.gpu or 'no GPU'}")
    if any(now.inputs.get(url, digest) != digest for url, digest in then.inputs.items()):
        changes.append("an input has other content")
    return tuple(changes)


def gpu_class(flavour: Flavour, models: Sequence[str]) -> str:
    """Return what GPUs a size had (or would have), of these models; empty: none."""
    gpu = flavour.gpu
    if gpu is None:
        return ""
    part = f" {gpu.profile}" if gpu.profile else f" 1/{gpu.share}" if gpu.share > 1 else ""
    many = f"{gpu.count} × " if gpu.count > 1 else ""
    return f"{many}{' + '.join(filter(None, models)) or 'GPU'}{part}"


def injected_values(content: bytes) -> dict[str, Any]:
    """Return the values that a saved notebook was executed with, from its injected cell."""
    try:
        book = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    cells = book.get("cells") if isinstance(book, dict) else None
    for cell in cells if isinstance(cells, list) else ():
        if isinstance(cell, dict) and is_injected(cell):
            source = cell.get("source")
            lines = source if isinstance(source, list) else [source]
            return dict(_literals("".join(line for line in lines if isinstance(line, str))))
    return {}


def is_injected(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell holds the values of an earlier run."""
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return isinstance(tags, list) and INJECTED in tags


def _literals(source: str) -> Iterable[tuple[str, Any]]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                try:
                    yield name, ast.literal_eval(value)
                except (ValueError, TypeError, RecursionError, MemoryError):
                    continue
