"""Which files differ."""

from machinelabs_hub.labs.compare.files import Change, changed_files
from machinelabs_hub.labs.models.revision import FileEntry


def entry(path: str, content: str) -> FileEntry:
    return FileEntry(path, len(content), content, content)


def test_files_that_came_went_changed_and_moved_are_told_apart() -> None:
    before = [entry("a", "1"), entry("b", "2"), entry("c", "3"), entry("same", "4")]
    after = [entry("a", "9"), entry("d/b", "2"), entry("new", "5"), entry("same", "4")]
    found = changed_files(before, after)
    assert [(change.kind, change.path) for change in found] == [
        (Change.CHANGED, "a"),
        (Change.REMOVED, "c"),
        (Change.MOVED, "d/b"),
        (Change.ADDED, "new"),
    ]
    assert found[2].before == before[1]


def test_of_two_copies_one_moves_and_one_is_added() -> None:
    found = changed_files([entry("a", "1")], [entry("b", "1"), entry("c", "1")])
    assert [(change.kind, change.path) for change in found] == [
        (Change.MOVED, "b"),
        (Change.ADDED, "c"),
    ]
