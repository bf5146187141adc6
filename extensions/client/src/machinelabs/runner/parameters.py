"""Give values to a notebook or a script. Pure.

A notebook takes them as papermill has it: in a cell of their own after the one tagged
`parameters`, which holds the defaults, or first where there is none.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import nbformat
from nbformat import NotebookNode

TAG: Final = "parameters"
INJECTED: Final = "injected-parameters"
WITH_IDS: Final = 5
"""Since this minor version of the format 4, cells have ids."""


def inject(notebook: NotebookNode, values: Mapping[str, Any]) -> None:
    """Put the values into a Python notebook, in place of those of an earlier run."""
    cells = notebook.cells
    notebook.cells = cells = [cell for cell in cells if INJECTED not in _tags(cell)]
    if not values:
        return
    cell = nbformat.v4.new_code_cell(  # type: ignore[no-untyped-call]
        source=source_of(values), metadata={"tags": [INJECTED]}
    )
    if notebook.nbformat_minor < WITH_IDS:
        del cell["id"]
    after = next((at for at, one in enumerate(cells) if TAG in _tags(one)), -1)
    cells.insert(after + 1, cell)


def source_of(values: Mapping[str, Any]) -> str:
    """Return Python that sets the values."""
    lines = [f"{name} = {_literal(value)}" for name, value in values.items()]
    return "\n".join(["# Parameters", *lines])


def arguments_of(values: Mapping[str, Any]) -> list[str]:
    """Return the values as a script takes them: `--rate=0.1`, lists and objects as JSON."""
    return [
        f"--{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in values.items()
    ]


def _tags(cell: NotebookNode) -> list[str]:
    tags = cell.get("metadata", {}).get("tags", [])
    return tags if isinstance(tags, list) else []


def _literal(value: Any) -> str:
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124 - how NaN is told
        return f'float("{value}")'
    return repr(value)
