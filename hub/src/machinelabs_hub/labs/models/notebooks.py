"""Tell whether bytes are a notebook. Pure."""

import json
from typing import Any, Final

from machinelabs_hub.errors import BadInput
from machinelabs_hub.names import shown

SUFFIX: Final = ".ipynb"
_OLD, _NOW = 3, 4


class BadNotebook(BadInput):
    """A file that is called a notebook, but is none."""

    code = "bad_notebook"


def check_notebook(path: str, content: bytes) -> Any:
    """Return a notebook's JSON, or refuse what JupyterLab could not open.

    Formats 3 and 4 are taken, and kept as they are.

    Raises:
        BadNotebook: says where the fault is.
    """
    name = shown(path)
    try:
        book = json.loads(content)
    except json.JSONDecodeError as error:
        raise BadNotebook(
            f"“{name}” is not a notebook: its JSON breaks at line {error.lineno}, column "
            f"{error.colno}. Open it in JupyterLab and save it again, or leave it out."
        ) from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadNotebook(f"“{name}” is not a notebook: its JSON cannot be read.") from error
    fault = _fault(book)
    if fault:
        raise BadNotebook(f"“{name}” is not a notebook: {fault}")
    return book


def _fault(book: Any) -> str | None:
    if not isinstance(book, dict) or not isinstance(book.get("nbformat"), int):
        return "it does not say its format (`nbformat`)."
    if book["nbformat"] not in {_OLD, _NOW}:
        return f"its format is {book['nbformat']}; save it as format 4."
    if not isinstance(book.get("metadata"), dict):
        return "its `metadata` are not an object."
    if book["nbformat"] == _NOW:
        return _cells_fault(book.get("cells"))
    return _sheets_fault(book.get("worksheets"))


def _sheets_fault(sheets: Any) -> str | None:
    if not isinstance(sheets, list) or not all(isinstance(sheet, dict) for sheet in sheets):
        return "it has no list of worksheets."
    for sheet in sheets:
        fault = _cells_fault(sheet.get("cells"), old=True)
        if fault:
            return fault
    return None


def _cells_fault(cells: Any, *, old: bool = False) -> str | None:
    if not isinstance(cells, list):
        return "it has no list of cells."
    check = _old_cell_fault if old else _cell_fault
    for number, cell in enumerate(cells, start=1):
        fault = check(cell)
        if fault:
            return f"cell {number} {fault}"
    return None


def _cell_fault(cell: Any) -> str | None:
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
        return "has no type."
    if not _is_text(cell.get("source")):
        return "has no text (`source`)."
    if not isinstance(cell.get("metadata", {}), dict):
        return "has `metadata` that are not an object."
    if cell["cell_type"] == "code":
        return _outputs_fault(cell.get("outputs"))
    return None


def _old_cell_fault(cell: Any) -> str | None:
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
        return "has no type."
    if not _is_text(cell.get("input" if cell["cell_type"] == "code" else "source")):
        return "has no text."
    return None


def _outputs_fault(outputs: Any) -> str | None:
    if not isinstance(outputs, list):
        return "has no list of outputs."
    for output in outputs:
        if not isinstance(output, dict) or not isinstance(output.get("output_type"), str):
            return "has an output without a type."
        if output["output_type"] in {"display_data", "execute_result"} and not isinstance(
            output.get("data"), dict
        ):
            return "has an output without data."
    return None


def _is_text(value: Any) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, list) and all(isinstance(line, str) for line in value)
