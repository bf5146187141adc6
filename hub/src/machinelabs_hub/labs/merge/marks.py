"""How a clash is marked inside a notebook, so that people see it and programs find it.

A line in a markdown cell says whose is whose. It and the cells after it carry
`metadata.machinelabs.conflict`: `kind` (`both`, `removed` or `kept`), `side` (`note`, `mine` or
`theirs`) and `of` (the side's name). What could only be kept out of sight lies in the same place
of the cell or notebook that it belongs to: `outputs` and `metadata` of the other side, whose name
is `of`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from machinelabs_hub.labs.merge.report import Names

OURS: Final = "machinelabs"
CONFLICT: Final = "conflict"

_BOTH: Final = (
    "**Changed by both.** The next cell is from {mine}, the one after it from {theirs}. Keep what "
    "you want of them, then delete the other and this line."
)
_REMOVED_BY_MINE: Final = (
    "**Deleted here, changed there.** {mine} has no such cell any more; {theirs} changed it. Keep "
    "or delete the next cell, then delete this line."
)
_REMOVED_BY_THEIRS: Final = (
    "**Changed here, deleted there.** {theirs} has no such cell any more; {mine} changed it. Keep "
    "or delete the next cell, then delete this line."
)


def note(kind: str, names: Names) -> dict[str, Any]:
    """Return the cell that says what stands below it: `kind` is as in this file's docstring."""
    text = {"both": _BOTH, "removed": _REMOVED_BY_MINE, "kept": _REMOVED_BY_THEIRS}[kind]
    return {
        "cell_type": "markdown",
        "metadata": {OURS: {CONFLICT: {"kind": kind, "side": "note"}}},
        "source": text.format(mine=_code(names.mine), theirs=_code(names.theirs)),
    }


def marked(cell: Mapping[str, Any], kind: str, side: str, names: Names) -> dict[str, Any]:
    """Return a cell that says in its metadata whose it is."""
    name = names.mine if side == "mine" else names.theirs
    said = {"kind": kind, "side": side, "of": name}
    return dict(cell) | {"metadata": with_conflict(_metadata(cell), said)}


def with_aside(
    metadata: Mapping[str, Any],
    of: str,
    *,
    outputs: Sequence[Any] = (),
    values: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return metadata that keep what the side called `of` has otherwise."""
    said: dict[str, Any] = {"of": of}
    if outputs:
        said["outputs"] = list(outputs)
    if values:
        said["metadata"] = dict(values)
    return with_conflict(metadata, said) if len(said) > 1 else dict(metadata)


def with_conflict(metadata: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata with `machinelabs.conflict` in them, beside what stands there already."""
    ours = metadata.get(OURS, {})
    # Somebody else may use the name for what is no object: that is kept too.
    held = dict(ours) if isinstance(ours, dict) else {"was": ours}
    before = held.get(CONFLICT)
    held[CONFLICT] = (dict(before) if isinstance(before, dict) else {}) | dict(said)
    return dict(metadata) | {OURS: held}


def _metadata(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = cell.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _code(name: str) -> str:
    return f"`{name.replace('`', '')}`"
