"""Compare revisions of a lab, and a fork with what it came from, whatever became of that."""

import pytest
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, BOB, publish
from tests.support.content import cell, notebook, prints, tar_of

from machinelabs_hub.db.engine import BadCharacter
from machinelabs_hub.labs.compare.files import Change
from machinelabs_hub.labs.compare.notebooks import NotebookChange
from machinelabs_hub.labs.models.lab import LabChange, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import trash
from machinelabs_hub.labs.services.compare import BadRevisionName, Comparison, Texts, Unshown
from machinelabs_hub.labs.services.revisions import NoRevision
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab

EVE = Person("eve", "Eve")
BOOK = [cell("code", "a = 1", "one", [prints("1")], 1), cell("code", "b = 2", "two")]
FIRST = {
    "main.ipynb": notebook(BOOK),
    "model.py": b"x = 1\ny = 2\n",
    "a.bin": b"\0\1",
    "p.png": b"P",
}


def revise(viewed_by: As, person: Person, name: str, files: dict[str, bytes]) -> None:
    viewed_by(person).revisions.publish(
        person.name, name, base=None, message="", files=tar_of(files)
    )


def told(found: Comparison) -> list[tuple[str, str]]:
    return [(changed.file.path, changed.file.kind.value) for changed in found.files.items]


def test_two_revisions_are_compared_cell_by_cell_and_line_by_line(viewed_by: As) -> None:
    publish(viewed_by, files=FIRST)
    changed = [BOOK[1], cell("code", "a = 1", "one", [prints("2")], 9), cell("code", "c", "three")]
    revise(viewed_by, ADA, "digits", {"main.ipynb": notebook(changed), "model.py": b"x = 1\ny = 3\n",
                                      "a.bin": b"\0\2", "p.png": b"Q", "new.txt": b"hello"})  # fmt: skip
    lab = viewed_by(None).labs.get("ada", "digits")
    found = viewed_by(None).compare.compare(lab)
    assert (found.before.number, found.after.number, found.count) == (1, 2, 5)
    content = {one.file.path: one.content for one in found.files.items}
    book = content["main.ipynb"]
    assert isinstance(book, NotebookChange)
    told_of = {one.key: one for one in book.cells}
    assert (told_of["one"].change, told_of["one"].outputs) == (Change.CHANGED, True)
    assert told_of["three"].change is Change.ADDED
    assert [one.moved for one in book.cells].count(True) == 1
    code_only = viewed_by(None).compare.compare(lab, code_only=True).files.items
    book = next(one.content for one in code_only if one.file.path == "main.ipynb")
    assert isinstance(book, NotebookChange)
    assert not any(one.outputs or one.metadata for one in book.cells)
    texts = content["model.py"]
    assert isinstance(texts, Texts)
    assert [line.sign + line.text for line in texts.lines] == [" x = 1", "-y = 2", "+y = 3"]
    assert content["a.bin"] == Unshown("It is not text.")
    assert content["p.png"] == Unshown("")
    back = viewed_by(None).compare.compare(lab, since="r2", to="1")
    assert ("new.txt", "removed") in told(back)


def test_what_is_no_revision_is_said(viewed_by: As) -> None:
    lab = publish(viewed_by, files=FIRST)
    compare = viewed_by(None).compare
    assert compare.compare(lab).count == 0
    with pytest.raises(BadRevisionName, match="“main” is not a revision"):
        compare.compare(lab, to="main")
    with pytest.raises(NoRevision, match="no r7"):
        compare.compare(lab, since="r7")
    for other in ("nobody/nothing", "nobody", "/"):
        with pytest.raises(NoLab):
            compare.compare(lab, other=other)
    with pytest.raises((NoLab, BadCharacter)):
        # Only PostgreSQL minds.
        compare.compare(lab, other="a\0b/c")


def test_a_fork_is_compared_with_its_parent_also_when_that_is_gone(
    viewed_by: As, tools: Tools
) -> None:
    publish(viewed_by, files=FIRST)
    fork, _ = viewed_by(BOB).forks.fork("ada", "digits")
    revise(viewed_by, BOB, "digits", FIRST | {"model.py": b"mine\n"})
    revise(viewed_by, ADA, "digits", FIRST | {"theirs.py": b"theirs\n"})
    fork = viewed_by(BOB).labs.get("bob", "digits")
    forked = viewed_by(None).compare.compare(fork, other="ada/digits")
    assert (forked.before.path, forked.before.number) == ("ada/digits", 1)
    assert told(forked) == [("model.py", "changed")]
    newest = viewed_by(None).compare.compare(fork, other="ada/digits", since="latest")
    assert newest.before.number == 1
    newest = viewed_by(None).compare.compare(fork, other="ada/digits", since="r2")
    assert told(newest) == [("model.py", "changed"), ("theirs.py", "removed")]

    viewed_by(ADA).labs.delete("ada", "digits")
    for _ in range(2):
        fork = viewed_by(BOB).labs.get("bob", "digits")
        found = viewed_by(BOB).compare.compare(fork, other="ada/digits")
        assert (found.before.path, told(found)) == ("ada/digits", [("model.py", "changed")])
        with pytest.raises(NoLab):
            viewed_by(BOB).compare.compare(fork, other="ada/digits", since="r2")
        object.__setattr__(tools.settings.limits, "trash_days", -1)
        trash.empty(tools)


def test_a_parent_that_became_private_is_compared_as_it_was_forked_and_no_further(
    viewed_by: As,
) -> None:
    publish(viewed_by, files=FIRST)
    viewed_by(BOB).forks.fork("ada", "digits")
    revise(viewed_by, BOB, "digits", FIRST | {"model.py": b"mine\n"})
    viewed_by(ADA).labs.change("ada", "digits", LabChange(visibility=Visibility.PRIVATE))
    revise(viewed_by, ADA, "digits", FIRST | {"secret.py": b"secret\n"})
    fork = viewed_by(BOB).labs.get("bob", "digits")
    assert told(viewed_by(BOB).compare.compare(fork, other="ada/digits")) == [
        ("model.py", "changed")
    ]
    for viewer, since in ((BOB, "r2"), (EVE, ""), (None, "r1")):
        with pytest.raises(NoLab):
            viewed_by(viewer).compare.compare(fork, other="ada/digits", since=since)


def test_many_files_come_a_page_at_a_time(viewed_by: As) -> None:
    publish(viewed_by, files={f"{n:02}.txt": b"1" for n in range(45)})
    revise(viewed_by, ADA, "digits", {f"{n:02}.txt": b"2" for n in range(45)})
    lab = viewed_by(None).labs.get("ada", "digits")
    seen, cursor = [], ""
    while True:
        found = viewed_by(None).compare.compare(lab, cursor=cursor)
        assert found.count == 45
        seen += told(found)
        if found.files.next is None:
            break
        cursor = found.files.next
    assert [path for path, _ in seen] == [f"{n:02}.txt" for n in range(45)]


def test_what_is_too_large_is_refused_kindly(viewed_by: As) -> None:
    publish(viewed_by, files={"a.txt": b"1" * (1 << 20)})
    revise(viewed_by, ADA, "digits", {"a.txt": b"2" * ((1 << 20) + 1)})
    lab = viewed_by(None).labs.get("ada", "digits")
    (only,) = viewed_by(None).compare.compare(lab).files.items
    assert isinstance(only.content, Unshown)
    assert only.content.why.startswith("It is larger than 1 MiB")


def test_what_is_too_much_is_cut_or_refused_kindly(viewed_by: As) -> None:
    publish(viewed_by, files={"a.txt": b"1"})
    many = [cell("code", "\n".join("xyz"), f"c{n}") for n in range(6000)]
    revise(viewed_by, ADA, "digits", {"a.txt": b"x\n" * 5000, "many.ipynb": notebook(many)})
    lab = viewed_by(None).labs.get("ada", "digits")
    text, book = viewed_by(None).compare.compare(lab).files.items
    assert isinstance(text.content, Texts)
    assert (len(text.content.lines), text.content.more) == (2000, True)
    assert isinstance(book.content, Unshown)
    assert book.content.why.startswith("Too much differs")
