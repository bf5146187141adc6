"""A file of a lab as HTML, by what its name says it is."""

import csv
import io
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from machinelabs_hub.labs.render import code, markdown, notebook
from machinelabs_hub.labs.render.fragments import fragment
from machinelabs_hub.labs.render.json_text import indented
from machinelabs_hub.labs.render.links import RAW_MARK


class Kind(StrEnum):
    """How a file is shown; BINARY is only offered for download."""

    NOTEBOOK = "notebook"
    MARKDOWN = "markdown"
    TABLE = "table"
    IMAGE = "image"
    TEXT = "text"
    BINARY = "binary"


TEXT_MIB: Final = 1
"""Larger texts are shown up to here."""
NOTEBOOK_MIB: Final = 50
"""Larger notebooks are not shown: one takes several times its size of memory, and seconds."""
MARKDOWN_MIB: Final = 2
IMAGE_MIB: Final = 25
_SHOWN_MIB: Final = {
    Kind.NOTEBOOK: NOTEBOOK_MIB,
    Kind.MARKDOWN: MARKDOWN_MIB,
    Kind.IMAGE: IMAGE_MIB,
}
ROWS: Final = 500
COLUMNS: Final = 60

_IMAGES: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif", ".bmp", ".ico")
_TABLES: Final = (".csv", ".tsv")
_SOUNDS: Final = (".mp3", ".wav", ".ogg", ".oga", ".opus", ".flac", ".m4a", ".aac")
_FILMS: Final = (".mp4", ".m4v", ".webm", ".ogv", ".mov")
_PARQUET: Final = (".parquet", ".pq")
_JSON: Final = (".json", ".geojson")
_BINARY: Final = (
    ".zip", ".gz", ".bz2", ".xz", ".zst", ".tar", ".7z", ".pt", ".pth", ".onnx", ".h5", ".hdf5",
    ".npy", ".npz", ".pkl", ".pickle", ".joblib", ".feather", ".arrow", ".safetensors",
    ".pdf", ".so", ".dll", ".exe", ".whl",
    ".sqlite", ".db", ".bin", ".docx", ".xlsx", ".pptx", ".ttf", ".woff", ".woff2",
    *_SOUNDS, *_FILMS, *_PARQUET,
)  # fmt: skip
_FRONT: Final = re.compile(
    r"---[ \t]*\n(?=[\w-]+:)((?:(?!---[ \t]*\n)[^\n]+\n)+)---[ \t]*(?:\n|\Z)"
)
_CONTROL: Final = frozenset(range(32)) - {9, 10, 12, 13, 27}


def kind_of(name: str) -> Kind:
    """Return how a file called `name` is shown, before its content is known."""
    lower = name.lower()
    if lower.endswith(".ipynb"):
        return Kind.NOTEBOOK
    if lower.endswith((".md", ".markdown")):
        return Kind.MARKDOWN
    if lower.endswith(_TABLES):
        return Kind.TABLE
    if lower.endswith(_IMAGES):
        return Kind.IMAGE
    return Kind.BINARY if lower.endswith(_BINARY) else Kind.TEXT


def player(path: str) -> str | None:
    """Return what plays a sound or a film, as HTML; None: the file is neither by its name.

    The browser fetches the bytes by itself, in parts.
    """
    lower, name = path.lower(), path.rpartition("/")[2]
    if not lower.endswith(_SOUNDS + _FILMS):
        return None
    is_film = lower.endswith(_FILMS)
    return fragment("player.html", is_film=is_film, mark=RAW_MARK, address=quote(path), name=name)


def parquet(path: str, count: int) -> str | None:
    """Return where the first rows of a Parquet file will be, as HTML; None: it is none by its name.

    A script of the page reads them from the file's address, in parts of its `count` bytes.
    """
    if not path.lower().endswith(_PARQUET):
        return None
    return fragment("parquet.html", mark=RAW_MARK, address=quote(path), size=count)


def shown_up_to(kind: Kind) -> int:
    """Return how many bytes of a file of this kind are read to show it."""
    return _SHOWN_MIB.get(kind, TEXT_MIB) << 20


def show(path: str, content: bytes, *, whole: bool = True) -> Iterator[str]:
    """Yield a file's HTML.

    Args:
        path: where it is in its lab.
        content: its bytes, or the first of them.
        whole: False if `content` was cut.
    """
    folder, _, name = path.rpartition("/")
    match kind_of(name):
        case Kind.NOTEBOOK:
            yield from notebook.show(content, folder=folder)
        case Kind.IMAGE:
            yield fragment("image.html", mark=RAW_MARK, address=quote(path), name=name)
        case Kind.MARKDOWN if is_text(content):
            yield from show_markdown(content, folder=folder)
        case Kind.TABLE if is_text(content):
            yield _table(name, content, whole=whole)
        case Kind.TEXT if is_text(content):
            yield _source(name, content, whole=whole)
        case _:
            yield fragment("empty.html", title=f"{name} has no preview; download it")


def show_markdown(content: bytes, *, folder: str = "") -> Iterator[str]:
    """Yield a markdown file's HTML and its outline."""
    outline = markdown.Outline()
    facts, text = _front(decode(content))
    if facts:
        yield fragment("front.html", code=code.highlight(facts, "yaml"))
    html = markdown.render(text, folder=folder, outline=outline)
    yield f'<div class="ml-content">{html}</div>\n'
    yield notebook.show_outline(outline)


def _front(text: str) -> tuple[str, str]:
    """Split the facts off that stand in YAML before a text, as in a model card."""
    found = _FRONT.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def decode(content: bytes) -> str:
    """Return text in UTF-8 (a BOM allowed); what is not, becomes replacement characters."""
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n")


def is_text(content: bytes) -> bool:
    """Tell whether a file's bytes can be read as text."""
    return not _CONTROL.intersection(content[:8192])


def _source(name: str, content: bytes, *, whole: bool) -> str:
    text = decode(content)
    if whole and name.lower().endswith(_JSON):
        text = indented(text) or text
    coloured = code.highlight_file(text, name)
    return fragment("source.html", code=coloured, more=not whole)


def _table(name: str, content: bytes, *, whole: bool) -> str:
    text = decode(content)
    try:
        reader = csv.reader(io.StringIO(text), dialect=_dialect(name, text))
        rows: list[list[str]] = []
        for row in reader:
            if len(rows) > ROWS:
                break
            rows.append([cell[:500] for cell in row[:COLUMNS]])
    except csv.Error:
        return _source(name, content, whole=whole)
    if not rows:
        return fragment("empty.html", title=f"{name} is empty")
    more = len(rows) > ROWS or not whole
    return fragment("table.html", head=rows[0], rows=rows[1 : ROWS + 1], more=more)


def _dialect(name: str, text: str) -> type[csv.Dialect] | str:
    if name.lower().endswith(".tsv"):
        return "excel-tab"
    try:
        return csv.Sniffer().sniff(text[:4096].rpartition("\n")[0] or text[:4096], ",;\t|")
    except csv.Error:
        return "excel"
