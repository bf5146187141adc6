"""Merge files of labs: between what is stored or was sent, and the pure merge."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.merge.report import FileChange, Names
from machinelabs_hub.labs.merge.trees import Held, Rules, merge_trees
from machinelabs_hub.labs.models import config
from machinelabs_hub.labs.models.config import read_config
from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.notebooks import SUFFIX, check_notebook
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.services.tools import Tools

_NOTEBOOK_MIB = 32
"""The largest notebook that is merged inside; larger ones are kept as they are."""

_TEXT_MIB = 4
_ALL_MIB = 96


@dataclass(frozen=True, slots=True)
class Side:
    """Files of one side: `read` gives the content of one."""

    files: tuple[FileEntry, ...]
    read: Callable[[FileEntry], bytes]


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of a merge.

    Attributes:
        kept: files that are as one side has them.
        made: files that are new, by path.
        changes: what happened to which file.
        executable: paths of `made` that can be run.
    """

    kept: tuple[FileEntry, ...]
    made: Mapping[str, bytes]
    changes: tuple[FileChange, ...]
    executable: frozenset[str]

    @property
    def conflicts(self) -> int:
        """How many places are marked for a person to decide."""
        return sum(change.conflicts for change in self.changes)


def merge(tools: Tools, base: Side, mine: Side, theirs: Side, names: Names) -> Merged:
    """Merge the files of two sides that come from `base`; nothing is written."""
    entries: dict[str, tuple[FileEntry, Side]] = {}
    for side in (base, theirs, mine):
        entries |= {entry.sha256: (entry, side) for entry in side.files}

    def content(held: Held) -> bytes:
        entry, side = entries[held.id]
        return side.read(entry)

    # Large notebooks take much memory while they are merged: one merge at a time.
    with tools.locks.hold("merging"):
        found = merge_trees(
            *(_tree(side.files) for side in (base, mine, theirs)),
            content=content,
            rules=_rules(tools, names),
        )
    modes = _modes(base.files, mine.files, theirs.files)
    kept = tuple(
        replace(entries[held.id][0], path=path, executable=modes.get(path, False))
        for path, held in found.files.items()
        if isinstance(held, Held)
    )
    made = {path: held for path, held in found.files.items() if isinstance(held, bytes)}
    return Merged(
        kept=kept,
        made=made,
        changes=tuple(found.changes),
        executable=frozenset(path for path in made if modes.get(path)),
    )


def stored(tools: Tools, store: str, revision: Revision) -> Side:
    """Return a revision as a side of a merge."""
    files = tools.repos.manifest(store, revision.commit)
    return Side(files, lambda entry: tools.repos.read(store, entry.blob))


def write(tools: Tools, store: str, merged: Merged) -> tuple[FileEntry, ...]:
    """Write what is new to a store, and return all files ordered by path."""
    made = []
    with tools.repos.writing(store):
        for path, content in merged.made.items():
            blob = tools.repos.add_blob(store, BytesIO(content), len(content))
            digest = sha256(content).hexdigest()
            is_run = path in merged.executable
            made.append(FileEntry(path, len(content), digest, blob, is_run))
    return tuple(sorted([*merged.kept, *made], key=lambda entry: entry.path))


def name_of(lab: Lab, revision: Revision) -> str:
    """Return how a revision of a fork's original is called in the fork's files.

    Who reads the fork may not know of an original that is not for everybody.
    """
    who = lab.path if lab.visibility is Visibility.PUBLIC else "the original"
    return f"{who} r{revision.number}"


def _tree(files: Iterable[FileEntry]) -> dict[str, Held]:
    return {entry.path: Held(entry.sha256, entry.size) for entry in files}


def _modes(*sides: Iterable[FileEntry]) -> dict[str, bool]:
    """Return which files can be run: the side that changed it says so, of two mine."""
    base, mine, theirs = ({entry.path: entry.executable for entry in side} for side in sides)
    modes = {}
    for path in {*mine, *theirs}:
        was, here = base.get(path, False), mine.get(path)
        modes[path] = theirs.get(path, was) if here is None or here == was else here
    return modes


def _rules(tools: Tools, names: Names) -> Rules:
    limits = tools.settings.limits
    notebook_mib = min(_NOTEBOOK_MIB, limits.notebook_mib, limits.file_mib)

    def accepts(path: str, content: bytes) -> bool:
        most = notebook_mib if path.endswith(SUFFIX) else limits.file_mib
        try:
            if path == config.NAME:
                read_config(content, tools.catalog())
            elif path.endswith(SUFFIX):
                check_notebook(path, content)
        except MachineLabsError:
            return False
        return len(content) <= most << 20

    return Rules(
        names=names,
        notebook_bytes=notebook_mib << 20,
        text_bytes=_TEXT_MIB << 20,
        whole_bytes=_ALL_MIB << 20,
        accepts=accepts,
    )
