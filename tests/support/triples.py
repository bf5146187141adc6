"""Notebooks that two people change: a base, what each made of it, and what both together want.

It knows how people edit, and nothing of how a merge works. What both together want is the edits of
both, done one after the other.
"""

import copy
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.notebook_edits import Book, Editor, Json, a_cell

WORD = re.compile(r"(?:mine|theirs)Word\d+z")


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
