"""History a page at a time, and earlier revisions published again."""

import pytest
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, BOB, FILES, names, publish
from tests.support.content import tar_of
from tests.support.many_labs import notebook

from machinelabs_hub.errors import NotAllowed
from machinelabs_hub.labs.services.reindex import reindex
from machinelabs_hub.labs.services.revisions import NoRevision, StaleRevision
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.updates import UpToDate


def revise(viewed_by: As, files: dict[str, bytes], message: str = "") -> int:
    revisions = viewed_by(ADA).revisions
    made, _ = revisions.publish("ada", "digits", base=None, message=message, files=tar_of(files))
    return made.number


def test_the_history_goes_on_where_its_page_ended(viewed_by: As) -> None:
    publish(viewed_by)
    for number in range(2, 8):
        revise(viewed_by, {"a.py": str(number).encode()}, f"Step {number}")
    lab = viewed_by(None).labs.get("ada", "digits")
    cursor, seen = "", []
    while True:
        page = viewed_by(None).revisions.list(lab, cursor=cursor, limit=3)
        seen.append([revision.number for revision in page.items])
        if page.next is None:
            break
        cursor = page.next
    assert seen == [[7, 6, 5], [4, 3, 2], [1]]


def test_a_restored_revision_is_a_new_one_with_just_its_files(viewed_by: As, tools: Tools) -> None:
    publish(viewed_by)
    revise(viewed_by, {"ml.yaml": b"image: base\nentrypoint: b.py", "b.py": b"2",
                       "README.md": b"# About lions"})  # fmt: skip
    made, is_new = viewed_by(ADA).revisions.restore("ada", "digits", 1, base=2)
    assert (made.number, made.author, made.message, is_new) == (3, "ada", "Restore r1", True)
    lab = viewed_by(None).labs.get("ada", "digits")
    revisions = viewed_by(None).revisions
    assert revisions.files(lab, 3) == revisions.files(lab, 1)
    assert (lab.revision, lab.entrypoint, lab.files_count) == (3, "main.ipynb", len(FILES))
    assert lab.size_bytes == sum(map(len, FILES.values()))
    assert names(viewed_by, None, q="zebras") == ["ada/digits"]
    assert names(viewed_by, None, q="lions") == []
    assert b"lions" in revisions.read(lab, 2, "README.md")
    assert reindex(tools).faults == []


def test_what_is_newest_already_is_not_restored(viewed_by: As) -> None:
    publish(viewed_by)
    assert viewed_by(ADA).revisions.restore("ada", "digits", 1)[1] is False
    assert viewed_by(ADA).labs.get("ada", "digits").revision == 1


def test_only_who_may_edit_restores_and_nobody_on_a_stale_base(viewed_by: As) -> None:
    publish(viewed_by)
    revise(viewed_by, {"main.ipynb": notebook("2 + 2")})
    with pytest.raises(NotAllowed):
        viewed_by(BOB).revisions.restore("ada", "digits", 1)
    with pytest.raises(StaleRevision):
        viewed_by(ADA).revisions.restore("ada", "digits", 1, base=1)
    with pytest.raises(NoRevision, match="has no r9"):
        viewed_by(ADA).revisions.restore("ada", "digits", 9)
    assert viewed_by(ADA).labs.get("ada", "digits").revision == 2


def test_a_fork_that_restores_what_it_was_before_an_update_is_offered_that_again(
    viewed_by: As,
) -> None:
    publish(viewed_by, files={"a.py": b"1\n"})
    viewed_by(BOB).forks.fork("ada", "digits")
    revise(viewed_by, {"a.py": b"2\n"})
    viewed_by(BOB).updates.apply("bob", "digits")
    with pytest.raises(UpToDate):
        viewed_by(BOB).updates.preview("bob", "digits")
    viewed_by(BOB).revisions.restore("bob", "digits", 1)
    assert viewed_by(BOB).updates.preview("bob", "digits").base == 1
    viewed_by(BOB).updates.apply("bob", "digits")
    fork = viewed_by(BOB).labs.get("bob", "digits")
    assert viewed_by(BOB).revisions.read(fork, "latest", "a.py") == b"2\n"
