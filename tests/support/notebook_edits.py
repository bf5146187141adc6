"""Somebody who edits a notebook: a cell written, changed, moved, run, taken away.

Every edit brings a word that stands nowhere else, so a loss shows. A notebook is kept as cells with
a hidden name while it is worked on.
"""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

_LINES = (
    "import numpy as np", "import pandas as pd", "plt.show()", "x = np.linspace(0, 1)", "", "print(x)",
    "for i in range(10):", "    total += i", "model.fit(x, y)", "return total", "# todo", "y = x ** 2",
)  # fmt: skip
_PROSE = ("# Title", "Some words about it.", "", "- a point", "$x^2$", "## Next", "More words.")


@dataclass
class Book:
    """A notebook while somebody works on it; a cell's hidden name is in `_uid`."""

    cells: list[Json]
    metadata: Json
    minor: int = 5

    def written(self, chance: random.Random) -> Json:
        """Return it as a program saves it: texts as lines or whole, keys in some order."""
        as_lines = chance.random() < 0.6
        cells = []
        for cell in self.cells:
            kept = {key: value for key, value in cell.items() if key != "_uid"}
            if as_lines:
                kept["source"] = kept["source"].splitlines(keepends=True)
            if self.minor < 5:
                kept.pop("id", None)
            cells.append(copy.deepcopy(kept))
        return {
            "cells": cells,
            "metadata": copy.deepcopy(self.metadata),
            "nbformat": 4,
            "nbformat_minor": self.minor,
        }

    def named(self, uid: str) -> Json:
        """Return a cell by its hidden name."""
        return next(cell for cell in self.cells if cell["_uid"] == uid)


@dataclass
class Editor:
    """Somebody who edits: `side` is `mine` or `theirs`."""

    side: str
    chance: random.Random
    done: list[tuple[str, Callable[[Book], None]]] = field(default_factory=list)
    words: int = 0

    def word(self) -> str:
        """Return a word that stands nowhere else."""
        self.words += 1
        return f"{self.side}Word{self.words}z"

    def do(self, name: str, book: Book, act: Callable[[Book], None]) -> None:
        """Do something, and remember it so that it can be done on another book too."""
        act(book)
        self.done.append((name, act))

    # ---- what people do to a cell

    def line(self, book: Book, uid: str, *, part: tuple[float, float] = (0.0, 1.0)) -> None:
        """Change, add or extend a line in a part of a cell."""
        word, how, place = self.word(), self.chance.choice("ccai"), self.chance.random()
        from_end: list[int] = []

        def act(on: Book) -> None:
            cell = on.named(uid)
            lines = cell["source"].split("\n")
            low, high = int(part[0] * len(lines)), max(int(part[1] * len(lines)), 1)
            at = min(low + int(place * (high - low)), len(lines) - 1)
            if part[0] > 0:
                # On another book there may be more lines before it: it is counted from the end.
                from_end.append(len(lines) - at)
                at = len(lines) - from_end[0]
            if how == "c":
                lines[at] = f"{word} = 7"
            elif how == "a":
                lines.insert(at + 1, f"call({word})")
            else:
                lines[at] = f"{lines[at]}  # {word}"
            cell["source"] = "\n".join(lines)

        self.do("line", book, act)

    def rewrite(self, book: Book, uid: str) -> None:
        """Write a cell anew."""
        text = "\n".join(f"{self.word()} = {n}" for n in range(self.chance.randint(1, 4)))
        self.do("rewrite", book, lambda on: on.named(uid).update(source=text))

    def shorten(self, book: Book, uid: str) -> None:
        """Drop a line."""
        place = self.chance.random()

        def act(on: Book) -> None:
            lines = on.named(uid)["source"].split("\n")
            del lines[int(place * len(lines))]
            on.named(uid)["source"] = "\n".join(lines)

        self.do("shorten", book, act)

    def run(self, book: Book, uid: str) -> None:
        """Run a cell: new outputs and a count."""
        word, count = self.word(), self.chance.randint(1, 99)
        outputs: list[Json] = [
            {"output_type": "stream", "name": "stdout", "text": [f"{word}\n", "done"]}
        ]
        if self.chance.random() < 0.4:
            outputs.append({
                "output_type": "execute_result", "execution_count": count, "metadata": {},
                "data": {"text/plain": [self.word()], "image/png": "aGVsbG8="},
            })  # fmt: skip

        def act(on: Book) -> None:
            cell = on.named(uid)
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = copy.deepcopy(outputs), count

        self.do("run", book, act)

    def clear(self, book: Book, uid: str) -> None:
        """Clear a cell's outputs."""

        def act(on: Book) -> None:
            cell = on.named(uid)
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None

        self.do("clear", book, act)

    def retype(self, book: Book, uid: str) -> None:
        """Make another kind of cell of it, as JupyterLab does."""
        kind = self.chance.choice(["code", "markdown", "raw"])

        def act(on: Book) -> None:
            cell = on.named(uid)
            cell["cell_type"] = kind
            if kind == "code":
                cell.pop("attachments", None)
                cell.setdefault("outputs", [])
                cell.setdefault("execution_count", None)
            else:
                cell.pop("outputs", None)
                cell.pop("execution_count", None)

        self.do("retype", book, act)

    def attach(self, book: Book, uid: str) -> None:
        """Put a picture into a cell of words, or another one under its name."""
        name, word = self.chance.choice(["a.png", "b.png"]), self.word()

        def act(on: Book) -> None:
            cell = on.named(uid)
            if cell["cell_type"] != "code":
                cell.setdefault("attachments", {})[name] = {"image/png": f"{word}{'A' * 40}"}

        self.do("attach", book, act)

    def detach(self, book: Book, uid: str) -> None:
        """Take the pictures out."""
        self.do("detach", book, lambda on: on.named(uid).pop("attachments", None) and None)

    def tag(self, book: Book, uid: str) -> None:
        """Say something about a cell."""
        word, how = self.word(), self.chance.choice(["tag", "key", "same", "deep", "drop"])

        def act(on: Book) -> None:
            about = on.named(uid)["metadata"]
            if how == "tag":
                about.setdefault("tags", []).append(word)
            elif how == "key":
                about[word] = {"on": True}
            elif how == "same":
                about["name"] = word
            elif how == "deep":
                about.setdefault("slideshow", {})["slide_type"] = word
            else:
                about.pop("name", None)

        self.do("tag", book, act)

    # ---- what people do to a notebook

    def insert(self, book: Book, after: str | None) -> None:
        """Put a new cell behind another (None: in front)."""
        uid = f"{self.side}-{self.word()}"
        cell = a_cell(self.chance, uid, self.word())

        def act(on: Book) -> None:
            names = [one["_uid"] for one in on.cells]
            on.cells.insert(names.index(after) + 1 if after in names else 0, copy.deepcopy(cell))

        self.do("insert", book, act)

    def copy(self, book: Book, uid: str) -> None:
        """Copy a cell to below it, with its id, as some programs do, and change the copy."""
        made, word = f"{self.side}-copy-{self.word()}", self.word()

        def act(on: Book) -> None:
            cell = copy.deepcopy(on.named(uid)) | {"_uid": made}
            cell["source"] += f"\n# {word}"
            on.cells.insert(on.cells.index(on.named(uid)) + 1, cell)

        self.do("copy", book, act)

    def drop(self, book: Book, uid: str) -> None:
        """Delete a cell."""
        self.do("drop", book, lambda on: on.cells.remove(on.named(uid)))

    def move(self, book: Book, uid: str, after: str | None) -> None:
        """Move a cell behind another (None: to the front)."""

        def act(on: Book) -> None:
            cell = on.named(uid)
            on.cells.remove(cell)
            names = [one["_uid"] for one in on.cells]
            on.cells.insert(names.index(after) + 1 if after in names else 0, cell)

        self.do("move", book, act)

    def split(self, book: Book, uid: str) -> None:
        """Cut a cell in two."""
        made, word = f"{self.side}-half-{self.word()}", self.word()

        def act(on: Book) -> None:
            cell = on.named(uid)
            lines = cell["source"].split("\n")
            half = len(lines) // 2
            rest = copy.deepcopy(cell) | {"_uid": made, "id": made[-24:].replace(".", "-")}
            cell["source"] = "\n".join(lines[:half])
            rest["source"] = "\n".join([*lines[half:], f"# {word}"])
            on.cells.insert(on.cells.index(cell) + 1, rest)

        self.do("split", book, act)

    def about(self, book: Book) -> None:
        """Say something about the notebook."""
        word, how = self.word(), self.chance.choice(["title", "own", "kernel", "authors"])

        def act(on: Book) -> None:
            if how == "title":
                on.metadata["title"] = word
            elif how == "own":
                on.metadata[word] = {"a": [1, 2]}
            elif how == "kernel":
                on.metadata["kernelspec"] = {"name": word, "display_name": word}
            else:
                on.metadata.setdefault("authors", []).append({"name": word})

        self.do("about", book, act)


def a_cell(chance: random.Random, uid: str, word: str = "") -> Json:
    """Return a cell as somebody writes one."""
    kind = chance.choices(["code", "markdown", "raw"], [6, 4, 1])[0]
    stock = _LINES if kind == "code" else _PROSE
    lines = [chance.choice(stock) for _ in range(chance.randint(1, 9))]
    if word:
        lines.insert(chance.randint(0, len(lines)), f"{word} = 1")
    elif chance.random() < 0.85:
        # Some cells of a notebook are the same as others.
        lines.insert(chance.randint(0, len(lines)), f"value_{uid.replace('-', '_')} = 1")
    cell: Json = {"_uid": uid, "id": uid[-40:], "cell_type": kind, "metadata": {}}
    cell["source"] = "\n".join(lines)
    if kind == "code":
        cell |= {"outputs": [], "execution_count": None}
        if chance.random() < 0.4:
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "old\n"}]
            cell["execution_count"] = chance.randint(1, 40)
    elif chance.random() < 0.2:
        cell["attachments"] = {"a.png": {"image/png": "T2xk" * 8}}
    if chance.random() < 0.2:
        cell["metadata"] = {"tags": ["intro"], "name": "old"}
    return cell
