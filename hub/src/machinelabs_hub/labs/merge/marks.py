"""How a clash is marked inside a notebook, so that people see it and programs find it.

A line in a markdown cell says whose is whose. It and the cells after it carry
`metadata.machinelabs.conflict`: `kind` (`both`, `removed` or `kept`), `side` (`note`, `mine` or
`theirs`) and `of` (the side's name). What could only be kept out of sight lies in the same place
of the cell or notebook that it belongs to: `outputs` by side (`mine`, `theirs`), each with `of` and
`outputs`, and `metadata` of theirs by path.
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


def with_values(metadata: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata that keep what theirs has otherwise, by path."""
    return with_conflict(metadata, {"metadata": dict(values)}) if values else dict(metadata)


def with_outputs(
    metadata: Mapping[str, Any], side: str, outputs: Sequence[Any], names: Names
) -> dict[str, Any]:
    """Return metadata that keep the outputs of a side that are not shown."""
    kept = {"of": names.mine if side == "mine" else names.theirs, "outputs": list(outputs)}
    return with_conflict(metadata, {"outputs": {side: kept}})


def with_conflict(metadata: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata with `machinelabs.conflict` in them, beside what stands there already."""
    ours = metadata.get(OURS, {})
    # Somebody else may use the name for what is no object: that is kept too.
    held = dict(ours) if isinstance(ours, dict) else {"was": ours}
    held[CONFLICT] = _together(held.get(CONFLICT), said)
    return dict(metadata) | {OURS: held}


def _together(before: Any, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return `said` over what an earlier merge kept."""
    kept = dict(before) if isinstance(before, dict) else {}
    for key, value in said.items():
        both = isinstance(value, dict) and isinstance(kept.get(key), dict)
        kept[key] = kept[key] | value if both else value
    return kept


def _metadata(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = cell.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _code(name: str) -> str:
    return f"`{name.replace('`', '')}`"
