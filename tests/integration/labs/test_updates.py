"""Forks catch up with their originals: what is merged, refused, undone and remembered."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, BOB, publish
from tests.support.content import cell, notebook, tar_of

from machinelabs_hub.errors import NotAllowed
from machinelabs_hub.labs.merge.report import Change
from machinelabs_hub.labs.models.lab import Lab, LabChange, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import trash
from machinelabs_hub.labs.services.intake import TooManyFiles
from machinelabs_hub.labs.services.reindex import reindex
from machinelabs_hub.labs.services.revisions import NoRevision, StaleRevision
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.updates import (
    NoOriginal,
    NothingToUndo,
    StaleUpdate,
    UpToDate,
)
from machinelabs_hub.labs.services.working_copies import BadBase

FIRST, SECOND = cell("code", "x = 1\ny = 2\nz = 3", "one"), cell("markdown", "# Old", "two")
FILES = {
    "main.ipynb": notebook([FIRST, SECOND]),
    "model.py": b"a = 1\nb = 2\nc = 3\n",
    "data.bin": b"\x00\x01old",
    "notes.txt": b"one\n",
}


def revise(viewed_by: As, person: Person, lab: Lab, **changed: bytes | None) -> int:
    """Publish a revision with some files changed (`main_ipynb`), None: removed."""
    service = viewed_by(person).revisions
    now = viewed_by(person).labs.get(lab.owner, lab.name)
    files = {entry.path: service.read(now, "latest", entry.path) for entry in service.files(now)}
    for name, content in changed.items():
        path = name.replace("_", ".")
        files.pop(path, None)
        if content is not None:
            files[path] = content
    made, _ = service.publish(lab.owner, lab.name, base=None, message="", files=tar_of(files))
    return made.number


def forked(viewed_by: As, **said: Any) -> tuple[Lab, Lab]:
    original = publish(viewed_by, ADA, FILES, **said)
    return original, viewed_by(BOB).forks.fork("ada", "digits")[0]


def cells(viewed_by: As, lab: Lab, number: Any = "latest") -> list[dict[str, Any]]:
    content = viewed_by(BOB).revisions.read(
        viewed_by(BOB).labs.get(lab.owner, lab.name), number, "main.ipynb"
    )
    found: list[dict[str, Any]] = json.loads(content)["cells"]
    return found


def text(one: dict[str, Any]) -> str:
    return "".join(one["source"])


def test_both_sides_changes_are_in_the_next_revision(viewed_by: As, tools: Tools) -> None:
    original, fork = forked(viewed_by)
    theirs = notebook([FIRST | {"source": "x = 1\ny = 2\nz = 30"}, SECOND])
    revise(viewed_by, ADA, original, main_ipynb=theirs, model_py=b"a = 1\nb = 2\nc = 33\n",
           notes_txt=None, new_txt=b"new\n")  # fmt: skip
    mine = notebook([FIRST | {"source": "x = 10\ny = 2\nz = 3"}, SECOND])
    revise(viewed_by, BOB, fork, main_ipynb=mine, model_py=b"a = 11\nb = 2\nc = 3\n")

    seen = viewed_by(BOB).updates.preview("bob", "digits")
    assert (seen.base, seen.to.number, seen.mine.number) == (1, 2, 2)
    assert {change.path: change.change for change in seen.merged.changes} == {
        "main.ipynb": Change.MERGED, "model.py": Change.MERGED, "notes.txt": Change.REMOVED,
        "new.txt": Change.ADDED,
    }  # fmt: skip
    assert seen.merged.conflicts == 0
    made, _ = viewed_by(BOB).updates.apply("bob", "digits", expected=seen.fingerprint)
    assert (made.number, made.author, made.message) == (3, "bob", "Update to r2 of the original")
    service, lab = viewed_by(BOB).revisions, viewed_by(BOB).labs.get("bob", "digits")
    assert [text(one) for one in cells(viewed_by, fork)] == ["x = 10\ny = 2\nz = 30", "# Old"]
    assert service.read(lab, 3, "model.py") == b"a = 11\nb = 2\nc = 33\n"
    assert service.read(lab, 3, "new.txt") == b"new\n"
    assert "notes.txt" not in {entry.path for entry in service.files(lab)}
    assert lab.parent
    assert lab.parent.synced == 2
    assert reindex(tools).faults == []


def test_a_second_update_begins_where_the_first_ended(viewed_by: As) -> None:
    original, fork = forked(viewed_by)
    revise(viewed_by, ADA, original, model_py=b"a = 2\nb = 2\nc = 3\n")
    viewed_by(BOB).updates.apply("bob", "digits")
    with pytest.raises(UpToDate, match="r2 of ada/digits already"):
        viewed_by(BOB).updates.preview("bob", "digits")
    revise(viewed_by, BOB, fork, model_py=b"a = 200\nb = 2\nc = 3\n")
    revise(viewed_by, ADA, original, model_py=b"a = 2\nb = 2\nc = 300\n")
    _, seen = viewed_by(BOB).updates.apply("bob", "digits")
    assert (seen.base, seen.to.number, seen.merged.conflicts) == (2, 3, 0)
    lab = viewed_by(BOB).labs.get("bob", "digits")
    assert viewed_by(BOB).revisions.read(lab, "latest", "model.py") == b"a = 200\nb = 2\nc = 300\n"


def test_a_conflict_is_marked_with_both_sides(viewed_by: As) -> None:
    original, fork = forked(viewed_by)
    revise(viewed_by, ADA, original, main_ipynb=notebook([FIRST | {"source": "x = 2"}, SECOND]),
           data_bin=b"\x00theirs")  # fmt: skip
    revise(viewed_by, BOB, fork, main_ipynb=notebook([FIRST | {"source": "x = 3"}, SECOND]),
           data_bin=b"\x00mine")  # fmt: skip
    _, seen = viewed_by(BOB).updates.apply("bob", "digits")
    assert seen.merged.conflicts == 2
    note, mine, theirs, last = cells(viewed_by, fork)
    assert "`bob/digits`" in text(note)
    assert "`ada/digits r2`" in text(note)
    assert (text(mine), text(theirs), text(last)) == ("x = 3", "x = 2", "# Old")
    assert mine["metadata"]["machinelabs"]["conflict"]["side"] == "mine"
    assert theirs["metadata"]["machinelabs"]["conflict"]["of"] == "ada/digits r2"
    lab = viewed_by(BOB).labs.get("bob", "digits")
    assert viewed_by(BOB).revisions.read(lab, "latest", "data.bin") == b"\x00mine"
    assert viewed_by(BOB).revisions.read(lab, "latest", "data (r2).bin") == b"\x00theirs"


def test_a_private_original_is_not_named_in_the_forks_files(viewed_by: As) -> None:
    original = publish(viewed_by, ADA, FILES, visibility=Visibility.PRIVATE)
    fork = viewed_by(ADA).forks.fork("ada", "digits", to="mine")[0]
    revise(viewed_by, ADA, original, main_ipynb=notebook([FIRST | {"source": "x = 2"}, SECOND]))
    revise(viewed_by, ADA, fork, main_ipynb=notebook([FIRST | {"source": "x = 3"}, SECOND]))
    made, _ = viewed_by(ADA).updates.apply("ada", "mine")
    content = viewed_by(ADA).revisions.read(
        viewed_by(ADA).labs.get("ada", "mine"), "latest", "main.ipynb"
    )
    assert b"the original r2" in content
    assert b"ada/digits" not in content
    assert "ada/digits" not in made.message


def test_undo_gives_back_the_very_tree_and_the_update(viewed_by: As, tools: Tools) -> None:
    original, fork = forked(viewed_by)
    revise(viewed_by, ADA, original, model_py=b"theirs\n")
    revise(viewed_by, BOB, fork, model_py=b"mine\n")
    before = viewed_by(BOB).labs.get("bob", "digits")
    viewed_by(BOB).updates.apply("bob", "digits")
    undone = viewed_by(BOB).updates.undo("bob", "digits")
    assert (undone.number, undone.message) == (4, "Undo the update to r2 of the original")
    lab = viewed_by(BOB).labs.get("bob", "digits")
    find = viewed_by(BOB).revisions.find
    trees = [tools.repos.files_id(lab.store, find(lab, n).commit) for n in (before.revision, 4)]
    assert trees[0] == trees[1]
    assert lab.parent
    assert lab.parent.has == 1
    with pytest.raises(NothingToUndo):
        viewed_by(BOB).updates.undo("bob", "digits")
    assert viewed_by(BOB).updates.preview("bob", "digits").to.number == 2


def test_what_was_published_since_is_not_undone(viewed_by: As) -> None:
    original, fork = forked(viewed_by)
    revise(viewed_by, ADA, original, model_py=b"theirs\n")
    viewed_by(BOB).updates.apply("bob", "digits")
    revise(viewed_by, BOB, fork, model_py=b"newer\n")
    with pytest.raises(NothingToUndo, match="restore"):
        viewed_by(BOB).updates.undo("bob", "digits")


def test_a_preview_of_before_applies_to_nothing_newer(viewed_by: As) -> None:
    original, fork = forked(viewed_by)
    revise(viewed_by, ADA, original, model_py=b"theirs\n")
    seen = viewed_by(BOB).updates.preview("bob", "digits")
    revise(viewed_by, BOB, fork, notes_txt=b"mine\n")
    with pytest.raises(StaleUpdate):
        viewed_by(BOB).updates.apply("bob", "digits", expected=seen.fingerprint)
    seen = viewed_by(BOB).updates.preview("bob", "digits")
    revise(viewed_by, ADA, original, model_py=b"even newer\n")
    with pytest.raises(StaleUpdate):
        viewed_by(BOB).updates.apply("bob", "digits", expected=seen.fingerprint)
    assert viewed_by(BOB).labs.get("bob", "digits").revision == 2


def test_an_original_that_is_gone_or_closed_is_said_so(viewed_by: As, tools: Tools) -> None:
    original, _ = forked(viewed_by)
    revise(viewed_by, ADA, original, model_py=b"theirs\n")
    viewed_by(ADA).labs.delete("ada", "digits")
    with pytest.raises(NoOriginal, match="was deleted"):
        viewed_by(BOB).updates.preview("bob", "digits")
    at = tools.clock()
    object.__setattr__(tools, "clock", lambda: at + timedelta(days=31))
    assert trash.empty(tools) == 1
    with pytest.raises(NoOriginal):
        viewed_by(BOB).updates.preview("bob", "digits")
    publish(viewed_by, BOB, FILES, title="Alone")
    with pytest.raises(NoOriginal, match="not forked"):
        viewed_by(BOB).updates.preview("bob", "alone")


def test_nobody_updates_from_what_they_may_not_read(viewed_by: As) -> None:
    original, _ = forked(viewed_by)
    revise(viewed_by, ADA, original, model_py=b"secret\n")
    viewed_by(ADA).labs.change("ada", "digits", LabChange(visibility=Visibility.PRIVATE))
    with pytest.raises(NoOriginal):
        viewed_by(BOB).updates.preview("bob", "digits")
    with pytest.raises(NotAllowed):
        viewed_by(ADA).updates.preview("bob", "digits")


def test_a_merge_is_held_to_the_limits_of_a_publish(viewed_by: As) -> None:
    _, fork = forked(viewed_by)
    many = {f"a{n}.txt": b"1" for n in range(40)}
    viewed_by(ADA).revisions.publish("ada", "digits", base=None, message="",
                                     files=tar_of(FILES | many))  # fmt: skip
    more = {f"b{n}.txt": b"1" for n in range(40)}
    viewed_by(BOB).revisions.publish("bob", "digits", base=None, message="",
                                     files=tar_of(FILES | more))  # fmt: skip
    with pytest.raises(TooManyFiles):
        viewed_by(BOB).updates.apply("bob", "digits")
    assert viewed_by(BOB).labs.get(fork.owner, fork.name).revision == 2


def test_a_lost_index_remembers_what_is_merged_in(viewed_by: As, tools: Tools) -> None:
    original, _ = forked(viewed_by)
    revise(viewed_by, ADA, original, model_py=b"theirs\n")
    viewed_by(BOB).updates.apply("bob", "digits")
    with tools.sessions() as db:
        for table in ("revisions", "lab_tags", "labs"):
            db.connection().exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
    assert sorted(reindex(tools).restored) == ["ada/digits", "bob/digits"]
    with pytest.raises(UpToDate):
        viewed_by(BOB).updates.preview("bob", "digits")
    assert viewed_by(BOB).updates.undo("bob", "digits").number == 3


def test_a_publish_says_what_it_has_merged_in(viewed_by: As) -> None:
    original, _ = forked(viewed_by)
    revise(viewed_by, ADA, original, model_py=b"theirs\n")
    synced = viewed_by(BOB).updates.synced("bob", "digits", 2)
    files = FILES | {"model.py": b"theirs\n"}
    viewed_by(BOB).revisions.publish(
        "bob", "digits", base=1, message="", files=tar_of(files), synced=synced
    )
    with pytest.raises(UpToDate):
        viewed_by(BOB).updates.preview("bob", "digits")
    assert viewed_by(BOB).updates.synced("bob", "digits", 1) is None
    with pytest.raises(NoRevision):
        viewed_by(BOB).updates.synced("bob", "digits", 9)


def test_a_working_copy_is_merged_and_nothing_is_stored(viewed_by: As) -> None:
    original, _ = forked(viewed_by)
    revise(viewed_by, ADA, original, model_py=b"a = 1\nb = 2\nc = 33\n", notes_txt=None)
    here = FILES | {"model.py": b"a = 11\nb = 2\nc = 3\n", "own.txt": b"unpublished"}
    service = viewed_by(BOB).working_copies
    found = service.with_original("bob", "digits", base=1, synced=None, files=tar_of(here))
    assert (found.base, found.to.number) == (1, 2)
    assert (found.laid, found.removed) == (("model.py",), ("notes.txt",))
    size, pieces = service.content(found, "model.py")
    assert b"".join(pieces) == b"a = 11\nb = 2\nc = 33\n"
    assert size == 20
    assert viewed_by(BOB).labs.get("bob", "digits").revision == 1
    with pytest.raises(BadBase):
        service.with_original("bob", "digits", base=1, synced=7, files=tar_of(here))
    with pytest.raises(NotAllowed):
        viewed_by(ADA).working_copies.with_original(
            "bob", "digits", base=1, synced=None, files=tar_of(here)
        )
    with pytest.raises(StaleRevision):
        service.with_original("bob", "digits", base=3, synced=None, files=tar_of(here))


def test_a_working_copy_takes_over_the_newest_of_its_own_lab(viewed_by: As) -> None:
    _, fork = forked(viewed_by)
    revise(viewed_by, BOB, fork, new_txt=b"from elsewhere")
    here = FILES | {"model.py": b"unpublished"}
    service = viewed_by(BOB).working_copies
    found = service.with_newest("bob", "digits", base=1, files=tar_of(here))
    assert (found.laid, found.removed, found.merged.conflicts) == (("new.txt",), (), 0)
    with pytest.raises(BadBase):
        service.with_newest("bob", "digits", base=9, files=tar_of(here))
