"""A notebook as HTML, cell by cell: the first cells are on their way while the last are read.

What is broken is shown as a block that says so; a page never fails because of its content.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from machinelabs_hub.labs.render import code, format3, outputs
from machinelabs_hub.labs.render.clean import Attachments
from machinelabs_hub.labs.render.fragments import fragment
from machinelabs_hub.labs.render.markdown import Outline, render
from machinelabs_hub.labs.render.outputs import IMAGES, SVG, mapping_of, text_of

_CELL_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OUTLINE_LEVELS: Final = 3


class BrokenNotebook(ValueError):
    """The bytes are not a notebook. `str(error)` says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook's cells, the language of its code, and what it says of itself, all unchecked."""

    cells: list[Mapping[str, Any]]
    language: str
    metadata: Any = None


def read(content: bytes) -> Notebook:
    """Read a notebook of format 3 or 4, with as little trust as possible.

    Raises:
        BrokenNotebook: it is not JSON, or JSON that is no notebook.
    """
    try:
        tree = json.loads(content)
    except RecursionError as error:
        raise BrokenNotebook("Its JSON is nested too deeply.") from error
    except UnicodeDecodeError as error:
        raise BrokenNotebook("It is not text in UTF-8.") from error
    except ValueError as error:
        raise BrokenNotebook(f"Its JSON cannot be read: {error}.") from error
    if not isinstance(tree, dict):
        raise BrokenNotebook("It is JSON, but not a notebook.")
    cells = tree.get("cells")
    if cells is None and isinstance(tree.get("worksheets"), list):
        cells = list(format3.cells_of(tree["worksheets"]))
    if not isinstance(cells, list):
        raise BrokenNotebook("It has no list of cells.")
    kept: list[Mapping[str, Any]] = [cell for cell in cells if isinstance(cell, dict)]
    return Notebook(kept, _language(tree), tree.get("metadata"))


def show(content: bytes, *, folder: str = "") -> Iterator[str]:
    """Yield a notebook's HTML in pieces, one or more whole elements each.

    Args:
        content: the file's bytes.
        folder: the folder it stands in; links to neighbouring files start there.
    """
    try:
        notebook = read(content)
    except BrokenNotebook as error:
        yield fragment("broken.html", title="This notebook cannot be shown", why=str(error))
        return
    if not notebook.cells:
        yield fragment("empty.html", title="This notebook has no cells yet")
        return
    page = _Page(notebook.language, folder)
    yield '<div class="ml-notebook">\n'
    for number, cell in enumerate(notebook.cells, 1):
        yield page.cell(cell, number) + "\n"
    yield "</div>\n"
    yield show_outline(page.outline)


def show_outline(outline: Outline) -> str:
    """Return the navigation of a document's headings; empty if it has fewer than two."""
    headings = [heading for heading in outline.headings if heading.level <= _OUTLINE_LEVELS]
    if len(headings) <= 1:
        return ""
    top = min(heading.level for heading in headings)
    return fragment("outline.html", headings=headings, top=top)


class _Page:
    """The cells shown so far: their headings and their anchors differ."""

    def __init__(self, language: str, folder: str) -> None:
        self.outline = Outline()
        self._language = language
        self._folder = folder
        self._anchors: set[str] = set()

    def cell(self, cell: Mapping[str, Any], number: int) -> str:
        """Return the HTML of one cell."""
        anchor = self._anchor(cell, number)
        source = text_of(cell.get("source"))
        if cell.get("cell_type") == "markdown":
            shown = render(
                source,
                folder=self._folder,
                attachments=_attachments(cell),
                outline=self.outline,
            )
            return fragment("markdown_cell.html", anchor=anchor, number=number, html=shown)
        if cell.get("cell_type") == "code":
            return self._code(cell, number, anchor, source)
        return fragment("raw_cell.html", anchor=anchor, number=number, text=source)

    def _code(self, cell: Mapping[str, Any], number: int, anchor: str, source: str) -> str:
        count = cell.get("execution_count")
        hides = mapping_of(mapping_of(cell.get("metadata")).get("jupyter"))
        shown = outputs.show_all(cell.get("outputs"), folder=self._folder, cell=number)
        return fragment(
            "code_cell.html",
            anchor=anchor,
            number=number,
            count=count if isinstance(count, int) and not isinstance(count, bool) else None,
            code=_coloured(source, self._language),
            outputs=[output for output in shown if output.html],
            source_hidden=hides.get("source_hidden") is True,
            outputs_hidden=hides.get("outputs_hidden") is True,
        )

    def _anchor(self, cell: Mapping[str, Any], number: int) -> str:
        name = cell.get("id")
        anchor = f"cell-{name}" if isinstance(name, str) and _CELL_ID.fullmatch(name) else ""
        if not anchor or anchor in self._anchors:
            anchor = f"cell-number-{number}"
        self._anchors.add(anchor)
        return anchor


def _coloured(source: str, language: str) -> str:
    first = source.lstrip().split("\n", 1)[0].strip()
    if first.startswith("%%"):
        magic, _, rest = source.partition("\n")
        name = first[2:].split(" ", 1)[0]
        inner = _MAGICS.get(name, language)
        head = f'<span class="cm">{escape(magic, quote=False)}</span>\n'
        return head + code.highlight(rest, inner)
    return code.highlight(source, language)


_MAGICS: Final = {
    "bash": "bash", "sh": "bash", "script": "bash", "html": "html", "HTML": "html",
    "javascript": "javascript", "js": "javascript", "latex": "latex", "markdown": "markdown",
    "svg": "xml", "R": "r", "cython": "cython", "sql": "sql", "writefile": "text",
}  # fmt: skip


def _attachments(cell: Mapping[str, Any]) -> Attachments | None:
    held = mapping_of(cell.get("attachments"))
    if not held:
        return None

    def find(name: str) -> str | None:
        for mime, packed in mapping_of(held.get(name)).items():
            text = "".join(text_of(packed).split())
            if mime in (*IMAGES, SVG) and text and re.fullmatch(r"[A-Za-z0-9+/=]+", text):
                return f"data:{mime};base64,{text}"
        return None

    return find


def _language(tree: Mapping[str, Any]) -> str:
    metadata = mapping_of(tree.get("metadata"))
    about = mapping_of(metadata.get("language_info"))
    kernel = mapping_of(metadata.get("kernelspec"))
    for name in (about.get("pygments_lexer"), about.get("name"), kernel.get("language")):
        if isinstance(name, str) and name:
            return name
    return "python"
