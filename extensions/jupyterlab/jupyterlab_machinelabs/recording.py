"""What kernels put out for the cells of a notebook, and how that gets into its file. Pure.

A browser writes outputs into a notebook. While none is there, or when the server stops before it
saved, what is recorded here takes its place.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from nbformat import v4

MOST_BYTES: Final = 64 * 2**20
"""Of one cell's output, about; what is beyond is counted, not kept."""

_nbformat: Any = v4
"""It has no types."""

_SHOWN: Final = frozenset({"stream", "display_data", "execute_result", "error"})


@dataclass(slots=True)
class _Stream:
    """Text that goes on: pieces are joined only when they are read."""

    name: str
    pieces: list[str]


@dataclass(slots=True)
class _Shown:
    output: dict[str, Any]
    display_id: str


@dataclass(slots=True)
class CellRun:
    """One execution of one cell, from its request on.

    Attributes:
        viewer: the browser session that asked for it.
        is_unbroken: that browser was connected all the time, so it has all that is here.
    """

    cell_id: str
    code: str
    viewer: str
    is_done: bool = False
    is_unbroken: bool = True
    count: int | None = None
    _parts: list[_Stream | _Shown] = field(default_factory=list)
    _clears: bool = False
    _size: int = 0
    _left_out: int = 0

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take one message that the kernel published for this execution."""
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "execute_input":
            self.count = content.get("execution_count")
        elif kind == "status":
            self.is_done = self.is_done or content["execution_state"] == "idle"
        elif kind == "clear_output":
            self._clears = True
            if not content.get("wait"):
                self._clear()
        elif kind in _SHOWN:
            self._show(kind, content, message)

    def update(self, content: Mapping[str, Any]) -> None:
        """Take what is shown anew under a display id, in whichever cell it stands."""
        display_id = (content.get("transient") or {}).get("display_id")
        for part in self._parts:
            if isinstance(part, _Shown) and display_id and part.display_id == display_id:
                part.output["data"] = content["data"]
                part.output["metadata"] = content.get("metadata") or {}

    def outputs(self) -> list[dict[str, Any]]:
        """Return the outputs as a notebook holds them."""
        found = [
            _nbformat.new_output("stream", name=part.name, text="".join(part.pieces))
            if isinstance(part, _Stream)
            else deepcopy(part.output)
            for part in self._parts
        ]
        if self._left_out:
            found.append(
                _nbformat.new_output(
                    "stream",
                    name="stderr",
                    text=f"\n{self._left_out} bytes of output more were not recorded.\n",
                )
            )
        return found

    def _show(self, kind: str, content: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        if self._clears:
            self._clear()
        size = _size_of(content)
        if self._size + size > MOST_BYTES:
            self._left_out += size
            return
        self._size += size
        if kind == "stream":
            last = self._parts[-1] if self._parts else None
            if isinstance(last, _Stream) and last.name == content["name"]:
                last.pieces.append(content["text"])
            else:
                self._parts.append(_Stream(content["name"], [content["text"]]))
            return
        display_id = (content.get("transient") or {}).get("display_id") or ""
        self._parts.append(_Shown(_nbformat.output_from_msg(message), display_id))

    def _clear(self) -> None:
        self._parts.clear()
        self._clears, self._size, self._left_out = False, 0, 0


class Recording:
    """What one kernel did for the cells of its notebook since a browser last saved."""

    def __init__(self) -> None:
        self._runs: dict[str, CellRun] = {}

    @property
    def runs(self) -> tuple[CellRun, ...]:
        """The executions that are kept, in the order in which they were asked for."""
        return tuple(self._runs.values())

    @property
    def is_busy(self) -> bool:
        """Whether an execution is not done."""
        return any(not run.is_done for run in self._runs.values())

    def asked(self, msg_id: str, *, cell_id: str, code: str, viewer: str) -> None:
        """Take a browser's request to run a cell; what the cell did before does not count."""
        for key in [key for key, run in self._runs.items() if run.cell_id == cell_id]:
            del self._runs[key]
        self._runs[msg_id] = CellRun(cell_id, code, viewer)

    def heard(self, message: Mapping[str, Any]) -> None:
        """Take a message that the kernel published."""
        if message["header"]["msg_type"] == "update_display_data":
            for run in self._runs.values():
                run.update(message["content"])
            return
        meant = self._runs.get((message.get("parent_header") or {}).get("msg_id", ""))
        if meant is not None:
            meant.hear(message)

    def left(self, viewer: str) -> None:
        """Note that a browser is gone: what comes from now on it does not hear."""
        for run in self._runs.values():
            if run.viewer == viewer and not run.is_done:
                run.is_unbroken = False

    def ended(self) -> None:
        """Note that the kernel is gone: nothing more comes."""
        for run in self._runs.values():
            run.is_done = True

    def saved(self, notebook: Mapping[str, Any]) -> None:
        """Forget what a browser has just saved: done, and heard by it or found in the file."""
        for key, run in list(self._runs.items()):
            if run.is_done and (run.is_unbroken or not _differs(notebook, run)):
                del self._runs[key]


def merge(notebook: dict[str, Any], runs: Iterable[CellRun]) -> bool:
    """Write what was recorded into the cells of a notebook (format 4); return whether it changed.

    A cell that the file does not have, because it was never saved, is put at the end.
    """
    changed = False
    for run in runs:
        if not _differs(notebook, run):
            continue
        cell = _cell(notebook, run.cell_id)
        if cell is None:
            cell = _nbformat.new_code_cell(source=run.code, id=run.cell_id)
            notebook["cells"].append(cell)
        cell["outputs"] = run.outputs()
        cell["execution_count"] = run.count
        changed = True
    return changed


def _differs(notebook: Mapping[str, Any], run: CellRun) -> bool:
    cell = _cell(notebook, run.cell_id)
    if cell is None:
        return bool(run.outputs())
    if run.count is None and not run.outputs():
        # Asked for, but never begun.
        return False
    return _plain(cell.get("outputs") or []) != _plain(run.outputs())


def _cell(notebook: Mapping[str, Any], cell_id: str) -> dict[str, Any] | None:
    for cell in notebook["cells"]:
        if cell.get("id") == cell_id and cell["cell_type"] == "code":
            found: dict[str, Any] = cell
            return found
    return None


def _plain(outputs: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return outputs where lists of lines and whole texts are the same."""
    return [_joined(dict(output)) for output in outputs]


def _joined(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _joined(item) for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "".join(value)
    return value


def _size_of(content: Mapping[str, Any]) -> int:
    text = content.get("text")
    if isinstance(text, str):
        return len(text)
    return sum(len(str(item)) for item in (content.get("data") or {}).values())
