"""Which files came, went, changed or moved between two states of a lab."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from machinelabs_hub.labs.models.revision import FileEntry


class Change(StrEnum):
    """What became of a file or a cell."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that differs; one side is None where it was added or removed."""

    kind: Change
    before: FileEntry | None
    after: FileEntry | None

    @property
    def path(self) -> str:
        """Where it is now, or where it was."""
        entry = self.after or self.before
        return entry.path if entry else ""


def changed_files(before: Iterable[FileEntry], after: Iterable[FileEntry]) -> list[FileChange]:
    """Return the files that differ, ordered by path; a file that only moved is one change."""
    was = {entry.path: entry for entry in before}
    now = {entry.path: entry for entry in after}
    changes = [
        FileChange(Change.CHANGED, was[path], now[path])
        for path in was.keys() & now.keys()
        if was[path].sha256 != now[path].sha256
    ]
    gone = {path: was[path] for path in sorted(was.keys() - now.keys())}
    by_content = {entry.sha256: entry for entry in reversed(gone.values())}
    for path in sorted(now.keys() - was.keys()):
        source = by_content.pop(now[path].sha256, None)
        if source is None:
            changes.append(FileChange(Change.ADDED, None, now[path]))
            continue
        del gone[source.path]
        changes.append(FileChange(Change.MOVED, source, now[path]))
    changes += [FileChange(Change.REMOVED, entry, None) for entry in gone.values()]
    return sorted(changes, key=lambda change: change.path)
