"""Write what another's program printed to a terminal: its colours, and nothing that acts on it."""

import re
from collections.abc import Mapping
from typing import Any, Final, TextIO

from machinelabs.cli.output import size
from machinelabs.paths import shown

_HARMLESS: Final = re.compile(r"\x1b\[[0-9;:]*[mK]")
_SEQUENCE: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\)|\x1b(?:[ -/]*[0-~])?"
    r"|[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]",
    re.DOTALL,
)
_UNFINISHED: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?)?$")
_CLEAR: Final = "\x1b[K"
_LONGEST: Final = 1_000


class Screen:
    """One stream of a run's output, on its way to one of ours.

    A pipe or a file gets every byte as the program wrote it. A terminal would obey what is in
    it (set its title, answer questions), so it gets text and colours alone.
    """

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self.is_terminal = to.isatty()
        self._held = ""

    def write(self, text: str) -> None:
        """Write a piece; sequences may be cut anywhere."""
        self._to.write(self._harmless(text) if self.is_terminal else text)
        self._to.flush()

    def _harmless(self, text: str) -> str:
        text = self._held + text
        cut = _UNFINISHED.search(text)
        self._held = text[cut.start() :] if cut and len(text) - cut.start() < _LONGEST else ""
        if self._held:
            text = text[: -len(self._held)]
        return _SEQUENCE.sub(_if_harmless, text)


def _if_harmless(found: re.Match[str]) -> str:
    return found[0] if _HARMLESS.fullmatch(found[0]) else ""


def show(event: Mapping[str, Any], out: Screen, err: Screen) -> None:
    """Write an event of a run's log: what was printed, and outputs as far as text can tell them."""
    match event.get("kind"):
        case "stdout":
            out.write(str(event.get("text", "")))
        case "stderr":
            err.write(str(event.get("text", "")))
        case "note":
            err.write(f"{event.get('text', '')}\n")
        case "input":
            _input(event, err)
        case "output":
            _output(event.get("output"), out, err)


def _input(event: Mapping[str, Any], err: Screen) -> None:
    """Tell how far an input is: on one line of a terminal, elsewhere once it is there or not."""
    name, state = shown(str(event.get("name", ""))), event.get("state")
    received, total = (_count(event.get(key)) for key in ("received", "total"))
    if state == "failed":
        err.write(f"Input {name}: {event.get('text') or 'it could not be had'}\n")
    elif state == "done":
        err.write(f"Input {name}: {size(received)}{_CLEAR if err.is_terminal else ''}\n")
    elif err.is_terminal:
        of = f" of {size(total)}" if total else ""
        err.write(f"Input {name}: {size(received)}{of}{_CLEAR}\r")


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _output(output: Any, out: Screen, err: Screen) -> None:
    if not isinstance(output, dict):
        return
    if output.get("output_type") == "error":
        lines = output.get("traceback")
        err.write("\n".join(map(str, lines if isinstance(lines, list) else [])) + "\n")
        return
    if output.get("output_type") == "stream":
        (err if output.get("name") == "stderr" else out).write(_text(output.get("text")))
        return
    data = output.get("data")
    if not isinstance(data, dict) or not data:
        return
    text = _text(data.get("text/plain"))
    # A picture's own text says only that it is one.
    pictures = [kind for kind in data if str(kind).startswith("image/")]
    out.write(f"{text}\n" if text and not pictures else f"[{(pictures or [*data])[0]}]\n")


def _text(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")
