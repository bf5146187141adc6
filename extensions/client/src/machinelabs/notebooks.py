"""Strip what running left in a notebook. Pure: bytes in, bytes out."""

import json
from typing import Any, Final

from machinelabs.errors import FolderFault
from machinelabs.paths import shown

SUFFIX: Final = ".ipynb"
LEFT_BY_RUNNING: Final = ("execution", "collapsed", "scrolled", "ExecuteTime")


class BrokenNotebook(FolderFault):
    """A file is called a notebook and is none."""

    default_code = "broken_notebook"


def strip_outputs(content: bytes, *, path: str) -> bytes:
    """Return the notebook without outputs, execution counts and times; all else stays.

    Raises:
        BrokenNotebook: names `path`, and the line where the JSON breaks.
    """
    notebook = read(content, path=path)
    for cell in _cells(notebook):
        if cell.get("cell_type") != "code":
            continue
        cell["outputs"] = []
        count = "prompt_number" if "prompt_number" in cell else "execution_count"
        cell[count] = None
        metadata = cell.get("metadata")
        if isinstance(metadata, dict):
            for key in LEFT_BY_RUNNING:
                metadata.pop(key, None)
    text = json.dumps(notebook, ensure_ascii=False, indent=1)
    # A lone surrogate is legal in JSON's escapes, and in no file: it goes out as it came in.
    return (text + "\n").encode() if _clean(text) else _escaped(notebook)


def read(content: bytes, *, path: str) -> dict[str, Any]:
    """Return the notebook as JSON.

    Raises:
        BrokenNotebook: names `path`, and the line where the JSON breaks.
    """
    try:
        notebook = json.loads(content)
    except json.JSONDecodeError as error:
        raise BrokenNotebook(
            f"“{shown(path)}” is not a notebook: its JSON breaks in line {error.lineno}. "
            "Mend it in a text editor, or leave it out."
        ) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise BrokenNotebook(f"“{shown(path)}” is not a notebook: it is not JSON.") from error
    if not isinstance(notebook, dict) or not isinstance(_lists(notebook), list):
        raise BrokenNotebook(f"“{shown(path)}” is not a notebook: it holds no cells.")
    return notebook


def _lists(notebook: dict[str, Any]) -> Any:
    return notebook.get("cells", notebook.get("worksheets"))


def _cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    found = _lists(notebook)
    if "cells" not in notebook:
        # Format 3 and older kept the cells in worksheets.
        found = [c for sheet in found if isinstance(sheet, dict) for c in sheet.get("cells", ())]
    return [cell for cell in found if isinstance(cell, dict)]


def _clean(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _escaped(notebook: dict[str, Any]) -> bytes:
    return (json.dumps(notebook, indent=1) + "\n").encode()
