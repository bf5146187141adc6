"""Notebooks of format 3 (before 2015) in the words of format 4."""

from collections.abc import Iterator
from typing import Any, Final

from machinelabs_hub.labs.render.outputs import SVG, mapping_of, text_of

_KEYS: Final = {
    "text": "text/plain", "html": "text/html", "svg": SVG, "png": "image/png",
    "jpeg": "image/jpeg", "latex": "text/latex", "json": "application/json",
}  # fmt: skip


def cells_of(worksheets: Any) -> Iterator[Any]:
    """Yield the cells of a notebook's worksheets as format 4 writes them."""
    for sheet in _list(worksheets):
        for cell in _list(mapping_of(sheet).get("cells")):
            yield _cell(cell)


def _cell(cell: Any) -> Any:
    if not isinstance(cell, dict):
        return cell
    if cell.get("cell_type") == "heading":
        level = cell.get("level")
        marks = "#" * (level if isinstance(level, int) and level in range(1, 7) else 1)
        return {"cell_type": "markdown", "source": f"{marks} {text_of(cell.get('source'))}"}
    if cell.get("cell_type") != "code":
        return cell
    return {
        "cell_type": "code",
        "source": cell.get("input"),
        "execution_count": cell.get("prompt_number"),
        "outputs": [_output(output) for output in _list(cell.get("outputs"))],
    }


def _output(output: Any) -> Any:
    if not isinstance(output, dict):
        return output
    kind = output.get("output_type")
    if kind == "stream":
        return {**output, "name": output.get("stream", "stdout")}
    if kind == "pyerr":
        return {**output, "output_type": "error"}
    data = {new: output[old] for old, new in _KEYS.items() if old in output}
    return {"output_type": "display_data", "data": data}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
