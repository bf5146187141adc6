"""What the files of a revision say, read from its store: for what did not come by a publish."""

import json
from collections.abc import Iterable

from machinelabs_hub.labs.models.notebooks import SUFFIX
from machinelabs_hub.labs.models.revision import FileEntry
from machinelabs_hub.labs.models.texts import (
    LONGEST,
    LONGEST_README,
    Book,
    Texts,
    is_script,
    of_notebook,
    of_script,
    readme_among,
    together,
)
from machinelabs_hub.labs.storage.repos import RepoStore


def texts_of(
    repos: RepoStore, store: str, entries: Iterable[FileEntry], entrypoint: str | None
) -> Texts:
    """Return what files of a store say; they were checked when they came in."""
    files = tuple(entries)
    books: list[Book] = []
    for entry in files:
        if entry.path.endswith(SUFFIX):
            books.append(of_notebook(entry.path, json.loads(repos.read(store, entry.blob))))
        elif entry.path == entrypoint and is_script(entry.path):
            books.append(of_script(entry.path, _beginning(repos, store, entry, LONGEST)))
    readme = readme_among(files)
    said = _beginning(repos, store, readme, LONGEST_README) if readme else b""
    return together(books, entrypoint=entrypoint, readme=said.decode("utf-8", "ignore"))


def _beginning(repos: RepoStore, store: str, entry: FileEntry, most: int) -> bytes:
    return next(repos.stream(store, entry.blob, entry.size), b"")[:most]
