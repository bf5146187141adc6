"""What of a notebook's cell is merged, read with as little trust as possible."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from machinelabs_hub.labs.merge.values import same

ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KNOWN: Final = frozenset(
    {"id", "cell_type", "source", "metadata", "attachments", "outputs", "execution_count"}
)
_LEFT_BY_RUNNING: Final = frozenset({"execution", "ExecuteTime", "collapsed", "scrolled"})


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a notebook; `raw` is the object that it was read from."""

    id: str
    kind: str
    source: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    attachments: Mapping[str, Any] = field(default_factory=dict)
    outputs: Sequence[Any] = ()
    count: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Cell":
        """Read a cell."""
        name, count = raw.get("id"), raw.get("execution_count")
        return cls(
            id=name if isinstance(name, str) and ID.fullmatch(name) else "",
            kind=str(raw.get("cell_type", "code")),
            source=text_of(raw.get("source")),
            metadata=_object(raw.get("metadata")),
            attachments=_object(raw.get("attachments")),
            outputs=_list(raw.get("outputs")),
            count=count if isinstance(count, int) else None,
            more={key: value for key, value in raw.items() if key not in _KNOWN},
            raw=raw,
        )

    @classmethod
    def empty(cls, kind: str) -> "Cell":
        """Return a cell without anything, which two new cells come from."""
        return cls(id="", kind=kind, source="")

    @property
    def is_code(self) -> bool:
        """Whether it can be run."""
        return self.kind == "code"

    def is_like(self, other: "Cell") -> bool:
        """Tell whether all but the name and the count of runs is the same."""
        return (
            self.kind == other.kind
            and self.source == other.source
            and same(dict(self.metadata), dict(other.metadata))
            and same(dict(self.attachments), dict(other.attachments))
            and same(dict(self.more), dict(other.more))
            and same_outputs(self.outputs, other.outputs)
        )

    def is_edit_of(self, base: "Cell") -> bool:
        """Tell whether somebody would miss what this has over `base`."""
        mine, was = lasting(self.metadata), lasting(base.metadata)
        return (
            self.kind != base.kind
            or self.source != base.source
            or any(key not in was or not same(mine[key], was[key]) for key in mine)
            or has_new(base.attachments, self.attachments)
            or has_new(base.more, self.more)
            or (bool(self.outputs) and not same_outputs(self.outputs, base.outputs))
        )


def text_of(value: Any) -> str:
    """Return a text that may be kept as a list of its lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def lines_of(text: str) -> list[str]:
    """Return a text as notebooks keep it on disk: its lines, each with its end."""
    parts = text.split("\n")
    lines = [f"{part}\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def same_outputs(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Tell whether outputs are the same, however often the cell was run."""
    return len(one) == len(other) and all(
        same(_uncounted(left), _uncounted(right)) for left, right in zip(one, other, strict=True)
    )


def has_new(base: Mapping[str, Any], side: Mapping[str, Any]) -> bool:
    """Tell whether `side` has something that `base` does not have, or has otherwise."""
    return any(key not in base or not same(side[key], base[key]) for key in side)


def lasting(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata, by key or by path, without what running or looking leaves behind."""
    return {
        key: value
        for key, value in metadata.items()
        if key.removeprefix("/").partition("/")[0] not in _LEFT_BY_RUNNING
    }


def _uncounted(output: Any) -> Any:
    if not isinstance(output, dict):
        return output
    left = {key: value for key, value in output.items() if key != "execution_count"}
    for key in ("text", "data"):
        left[key] = _joined(left.get(key))
    return left


def _joined(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _joined(part) for key, part in value.items()}
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return "".join(value)
    return value


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
