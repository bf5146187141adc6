"""Notebooks that two people change: a base, what each made of it, and what both together want.

It knows how people edit, and nothing of how a merge works. Every edit brings a word that stands
nowhere else, so a loss shows. Each state is kept as cells with a hidden name; what both together
want is the edits of both, done one after the other.
"""

import copy
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

WORD = re.compile(r"(?:mine|theirs)Word\d+z")
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
class Triple:
    """A base and two states of it.

    Attributes:
        wanted: what both edits together give; None where they overlap.
        styles: what was done, for a report.
    """

    base: Json
    mine: Json
    theirs: Json
    wanted: Book | None
    styles: str


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


def a_triple(seed: int) -> Triple:
    """Return the triple of a seed; every third overlaps."""
    chance = random.Random(seed)  # noqa: S311 - a seeded choice, not a secret
    # Every sixth is crowded: many edits of few cells.
    is_crowded = seed % 6 == 5
    count = chance.choice([1, 2, 3] if is_crowded else [0, 1, 3, 6, 10, 20, 30])
    base = Book(
        [a_cell(chance, f"cell-{n}") for n in range(count)],
        {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "title": "Base"},
    )
    if chance.random() < 0.1:
        for cell in base.cells:
            cell["metadata"]["long"] = {"deep": [1, {"a": None}]}
    overlaps = seed % 3 == 2
    mine, theirs = copy.deepcopy(base), copy.deepcopy(base)
    editors = Editor("mine", chance), Editor("theirs", chance)
    if overlaps:
        for editor, book in zip(editors, (mine, theirs), strict=True):
            for _ in range(chance.randint(8, 20) if is_crowded else chance.randint(1, 8)):
                _anything(editor, book, [cell["_uid"] for cell in book.cells])
    else:
        _apart(editors, mine, theirs, chance)
    if chance.random() < 0.1:
        # Another Python saved it.
        editors[0].do("save", mine, lambda on: on.metadata.update(language_info={"name": "py"}))
    wanted = None if overlaps else _wanted(base, editors)
    style = _styled(chance, base, mine, theirs)
    return Triple(
        base=base.written(chance),
        mine=mine.written(chance),
        theirs=theirs.written(chance),
        wanted=wanted,
        styles=f"{style}: " + "; ".join(
            f"{editor.side} " + ",".join(name for name, _ in editor.done) for editor in editors
        ),
    )  # fmt: skip


def words_of(value: Any) -> set[str]:
    """Return the words that edits brought into JSON."""
    return set(WORD.findall(json.dumps(value)))


def _anything(editor: Editor, book: Book, uids: list[str]) -> None:
    chance = editor.chance
    if not uids or chance.random() < 0.15:
        editor.insert(book, chance.choice([None, *uids]))
        return
    uid = chance.choice(uids)
    acts: list[Callable[[Book, str], None]] = [
        editor.line, editor.line, editor.line, editor.rewrite, editor.shorten, editor.run,
        editor.run, editor.clear, editor.retype, editor.attach, editor.tag, editor.drop,
        editor.split, editor.copy, editor.detach,
    ]  # fmt: skip
    other = chance.random()
    if other < 0.07:
        editor.move(book, uid, chance.choice([None, *(one for one in uids if one != uid)]))
    elif other < 0.14:
        editor.about(book)
    else:
        chance.choice(acts)(book, uid)


def _apart(editors: tuple[Editor, Editor], mine: Book, theirs: Book, chance: random.Random) -> None:
    """Let each edit what the other leaves alone: other cells, or other parts of one."""
    uids = [cell["_uid"] for cell in mine.cells]
    chance.shuffle(uids)
    cut = chance.randint(0, len(uids))
    shared = [uid for uid in uids[:2] if mine.named(uid)["source"].count("\n") >= 4]
    for editor, book, half in zip(editors, (mine, theirs), (uids[:cut], uids[cut:]), strict=True):
        own = [uid for uid in half if uid not in shared]
        for _ in range(chance.randint(1, 6)):
            _apart_once(editor, book, own)
        part = (0.0, 0.3) if editor.side == "mine" else (0.7, 1.0)
        for uid in shared:
            if chance.random() < 0.5:
                editor.line(book, uid, part=part)
        if chance.random() < 0.2:
            _about_apart(editor, book)


def _apart_once(editor: Editor, book: Book, own: list[str]) -> None:
    here = [uid for uid in own if any(cell["_uid"] == uid for cell in book.cells)]
    chance = editor.chance
    if not here or chance.random() < 0.2:
        # Behind a cell that is one's own: the other may have deleted any other.
        editor.insert(book, chance.choice([None, *here]))
        return
    uid = chance.choice(here)
    acts: list[Callable[[Book, str], None]] = [
        editor.line, editor.line, editor.rewrite, editor.shorten, editor.run, editor.run,
        editor.clear, editor.retype, editor.attach, editor.tag, editor.drop, editor.detach,
    ]  # fmt: skip
    if chance.random() < 0.12:
        editor.move(book, uid, chance.choice([None, *(one for one in here if one != uid)]))
        return
    chance.choice(acts)(book, uid)


def _about_apart(editor: Editor, book: Book) -> None:
    word = editor.word()
    editor.do("about", book, lambda on: on.metadata.update({word: {"by": word}}))


def _wanted(base: Book, editors: tuple[Editor, Editor]) -> Book:
    book = copy.deepcopy(base)
    for editor in editors:
        for _, act in editor.done:
            act(book)
    return book


def _styled(chance: random.Random, base: Book, mine: Book, theirs: Book) -> str:
    """Make the notebooks such as several programs save them."""
    books = (base, mine, theirs)
    style = chance.choices(["ids", "none", "upgraded", "mine", "long", "odd"], [12, 4, 2, 2, 1, 1])[
        0
    ]
    if style == "none":
        for book in books:
            book.minor = 4
    elif style == "upgraded":
        # The base has no ids; both programs made their own when they saved it.
        base.minor = 4
        for book in (mine, theirs):
            _new_ids(book, chance)
    elif style == "mine":
        base.minor = theirs.minor = 4
        _new_ids(mine, chance)
    return style


def _new_ids(book: Book, chance: random.Random) -> None:
    for cell in book.cells:
        cell["id"] = f"{chance.getrandbits(32):08x}"
