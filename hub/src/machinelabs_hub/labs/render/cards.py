"""What a lab's card shows: the first plot of its notebook, or its first lines."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from machinelabs_hub.labs.render import ansi, files, notebook
from machinelabs_hub.labs.render.outputs import IMAGES, mapping_of, text_of

LINES: Final = 9
_WIDTH: Final = 80
_LARGEST_PLOT: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class Plot:
    """An image of a notebook's outputs."""

    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Card:
    """The face of a lab: `plot`, or `lines` of code or text where there is none."""

    plot: Plot | None
    lines: tuple[str, ...]


def face(path: str, content: bytes) -> Card:
    """Return the face of a lab whose entrypoint is `path`; never fails because of its content."""
    if files.kind_of(path) is not files.Kind.NOTEBOOK:
        return Card(None, _first(files.decode(content[:20_000])))
    try:
        read = notebook.read(content)
    except notebook.BrokenNotebook:
        return Card(None, ())
    for cell in read.cells:
        plot = _plot(cell.get("outputs"))
        if plot:
            return Card(plot, ())
    code = "\n".join(
        text_of(cell.get("source")) for cell in read.cells if cell.get("cell_type") == "code"
    )
    text = "\n".join(text_of(cell.get("source")) for cell in read.cells)
    return Card(None, _first(code) or _first(text))


def _plot(outputs: object) -> Plot | None:
    for output in outputs if isinstance(outputs, list) else []:
        data = mapping_of(mapping_of(output).get("data"))
        for mime in IMAGES:
            packed = text_of(data.get(mime))
            if packed and len(packed) * 3 // 4 < _LARGEST_PLOT:
                try:
                    return Plot(mime, base64.b64decode(packed))
                except (binascii.Error, ValueError):
                    continue
    return None


def _first(text: str) -> tuple[str, ...]:
    lines = [ansi.strip(line.rstrip())[:_WIDTH] for line in text[:20_000].split("\n")]
    kept = [line for line in lines if re.search(r"\w", line)]
    return tuple(kept[:LINES])
