"""What changed in a folder since its revision."""

from dataclasses import dataclass

from machinelabs.fingerprints import Fingerprints
from machinelabs.folder import Scan, scan, scan_file
from machinelabs.links import Link, State


@dataclass(frozen=True, slots=True)
class Status:
    """Paths by what happened to them since the revision."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many files differ."""
        return len(self.changed) + len(self.added) + len(self.deleted)


def look(link: Link) -> Scan:
    """Return what would be published of `link`."""
    return scan(link.root) if link.only is None else scan_file(link.root / link.only)


def status(link: Link, state: State, prints: Fingerprints) -> Status:
    """Compare the files here with what they were at the revision."""
    if link.only is not None and not (link.root / link.only).is_file():
        return Status(deleted=(link.only,))
    here = {entry.path: entry.source for entry in look(link).files}
    return Status(
        changed=tuple(
            path
            for path, source in here.items()
            if path in state.files and prints.of(source) != state.files[path]
        ),
        added=tuple(path for path in here if path not in state.files),
        # A file that is ignored only here is still there: it counts as deleted from the lab.
        deleted=tuple(path for path in sorted(state.files) if path not in here),
    )
