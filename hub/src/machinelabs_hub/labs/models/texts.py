"""What a lab's files say: the words that it is found by, its language, its results. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

LONGEST_README: Final = 16 * 1024
LONGEST: Final = 48 * 1024
"""Characters of a lab's notebooks by which it is found; the entrypoint's come first."""

_READMES: Final = ("readme.md", "readme.markdown", "readme.txt", "readme")
_LANGUAGES: Final = {".py": "python", ".r": "r", ".jl": "julia", ".sh": "bash"}


class _HasPath(Protocol):
    @property
    def path(self) -> str: ...


Named = TypeVar("Named", bound=_HasPath)


@dataclass(frozen=True, slots=True)
class Texts:
    """What the newest files of a lab say.

    Attributes:
        readme: the beginning of its README.
        notebook: markdown and code, the entrypoint's first, up to a length.
        language: what it is written in, in lower case; None: nothing says so.
        has_outputs: a notebook of it holds results.
        runs_clean: False: its first notebook was saved with an error. None: nobody knows, for
            only a verification tells.
    """

    readme: str = ""
    notebook: str = ""
    language: str | None = None
    has_outputs: bool = False
    runs_clean: bool | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """What one notebook or script says."""

    path: str
    text: str
    language: str | None = None
    has_outputs: bool = False
    runs_clean: bool | None = None


def together(books: Iterable[Book], *, entrypoint: str | None, readme: str = "") -> Texts:
    """Return what all files of a lab say."""
    ordered = sorted(books, key=lambda book: (book.path != entrypoint, book.path))
    first = ordered[0] if ordered and ordered[0].path == entrypoint else None
    return Texts(
        readme=storable(readme[:LONGEST_README]),
        notebook=storable("\n".join(book.text for book in ordered)[:LONGEST]),
        language=next((book.language for book in ordered if book.language), None),
        has_outputs=any(book.has_outputs for book in ordered),
        runs_clean=first.runs_clean if first else None,
    )


def of_notebook(path: str, tree: Any) -> Book:
    """Return what a notebook says that `check_notebook` found good; format 3 has words alone."""
    cells = tree.get("cells")
    if not isinstance(cells, list):
        sheets = tree.get("worksheets") or []
        cells = [cell for sheet in sheets for cell in sheet.get("cells", [])]
    return Book(
        path=path,
        text=_words_of(cells),
        language=_language(tree.get("metadata")),
        has_outputs=any(cell.get("outputs") for cell in cells),
        runs_clean=False if _shows_error(cells) else None,
    )


def of_script(path: str, content: bytes) -> Book:
    """Return what a program says."""
    suffix = f".{path.rpartition('.')[2].lower()}"
    return Book(path, content[:LONGEST].decode("utf-8", "ignore"), _LANGUAGES.get(suffix))


def is_script(path: str) -> bool:
    """Tell whether the words of a file count as a program's."""
    return f".{path.rpartition('.')[2].lower()}" in _LANGUAGES


def readme_among(files: Iterable[Named]) -> Named | None:
    """Return the README of a lab's top folder, or None."""
    by_name = {file.path.lower(): file for file in files}
    return next((by_name[name] for name in _READMES if name in by_name), None)


def storable(text: str) -> str:
    """Return text without what a database cannot keep: NUL, halves of characters."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _words_of(cells: Sequence[Any]) -> str:
    held: list[str] = []
    length = 0
    for cell in cells:
        source = cell.get("source", cell.get("input"))
        text = "".join(source) if isinstance(source, list) else source
        if isinstance(text, str):
            held.append(text[: LONGEST - length])
            length += len(text)
        if length >= LONGEST:
            break
    return "\n".join(held)


def _language(metadata: Any) -> str | None:
    about = metadata if isinstance(metadata, dict) else {}
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        part = about.get(key)
        found = part.get(name) if isinstance(part, dict) else None
        if isinstance(found, str) and found.strip():
            return storable(found.strip().lower())[:32]
    return None


def _shows_error(cells: Sequence[Any]) -> bool:
    return any(
        output.get("output_type") == "error"
        for cell in cells
        if cell.get("cell_type") == "code"
        for output in cell.get("outputs") or ()
    )
