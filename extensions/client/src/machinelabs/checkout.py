"""Lay the files of a revision into a folder; what a person changed is never overwritten."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO, Final

from machinelabs.errors import FolderFault
from machinelabs.fingerprints import Fingerprints
from machinelabs.hold import hold
from machinelabs.links import Link, State
from machinelabs.paths import STATE_FOLDER, beside, shown
from machinelabs.places import check_place, free_name, remove
from machinelabs.tar import unpack

REPLACED: Final = "replaced"
"""Folder in the state folder that keeps what was replaced and is in no revision."""

NAMED: Final = 3
"""Files that a sentence names before it says how many more there are."""


class Move(Enum):
    """What is done with one path."""

    LEAVE = auto()
    """The same stands here already."""

    KEEP = auto()
    """Yours stays; the revision brings nothing new."""

    LAY = auto()
    """The revision's file is laid; nothing of yours is lost by it."""

    REMOVE = auto()
    """The revision has it no more, and you did not change it."""

    CONFLICT = auto()
    """You changed it, and so does the revision."""


class Overlap(FolderFault):
    """Both you and the newer revision changed the same files."""

    default_code = "overlap"

    def __init__(self, lab: str, revision: int, paths: list[str]) -> None:
        self.paths = paths
        more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
        names = ", ".join(f"“{shown(path)}”" for path in paths[:NAMED])
        super().__init__(
            f"{lab} has r{revision}, which also changed {names}{more}. Your files are as they "
            "were. Get the newest revision to lay its files beside yours."
        )


@dataclass(frozen=True, slots=True)
class Laid:
    """What came of laying a revision: the paths laid, removed, kept, and laid beside yours."""

    laid: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    beside: tuple[str, ...]


def decide(
    *, here: str | None, base: str | None, base_published: str | None, incoming: str | None
) -> Move:
    """Decide about one path. All are sha256, None where there is no such file.

    Args:
        here: as it stands in the folder now.
        base: as it stood in the folder at the revision that the folder is of.
        base_published: as it is in that revision (differs from `base` if outputs were stripped).
        incoming: as it is in the revision to lay.
    """
    if here == incoming:
        return Move.LEAVE
    if incoming == base_published:
        return Move.KEEP
    if here == base:
        return Move.LAY if incoming is not None else Move.REMOVE
    if here is None:
        return Move.LAY
    return Move.KEEP if incoming is None else Move.CONFLICT


class Checkout:
    """Lays revisions into one folder (or one file's place)."""

    def __init__(self, *, link: Link, prints: Fingerprints) -> None:
        self._link = link
        self._prints = prints

    def lay(self, archive: BinaryIO, *, lab: str, revision: int, lay_beside: bool = False) -> Laid:
        """Lay the tar `archive` of r`revision`.

        Everything is unpacked first, so a full disk or a broken line changes nothing.

        Args:
            archive: all files of the revision.
            lab: `owner/name`.
            revision: its number.
            lay_beside: where both sides changed a file, lay the revision's beside yours.

        Raises:
            Overlap: both sides changed a file and `lay_beside` is False; nothing was done.
            FolderFault: the folder does not take the files.
            Busy: another program is at this folder.
        """
        with hold(self._link):
            return self._unpacked(archive, lab, revision, lay_beside)

    def _unpacked(
        self,
        archive: BinaryIO,
        lab: str,
        revision: int,
        lay_beside: bool,  # noqa: FBT001
    ) -> Laid:
        state = self._link.read()
        if state and state.lab != lab:
            raise FolderFault(f"This folder belongs to {state.lab}, not to {lab}.")
        store = self._link.root / STATE_FOLDER
        try:
            with tempfile.TemporaryDirectory(dir=store, prefix="incoming-") as staging:
                incoming = unpack(archive, Path(staging))
                return self._lay(
                    Path(staging), incoming, state or State(lab, 0, {}), revision, lay_beside
                )
        except OSError as error:
            raise FolderFault(
                f"“{shown(self._link.root.name)}” cannot be written to: {error.strerror}."
            ) from error

    def _lay(
        self,
        staging: Path,
        incoming: Mapping[str, str],
        state: State,
        revision: int,
        lay_beside: bool,  # noqa: FBT001
    ) -> Laid:
        paths = sorted({*incoming, *state.files})
        moves = {path: self._decide(path, state, incoming.get(path)) for path in paths}
        conflicts = [path for path, move in moves.items() if move is Move.CONFLICT]
        if conflicts and not lay_beside:
            raise Overlap(state.lab, revision, conflicts)
        beside_paths = {
            path: free_name(self._link.root, beside(path, revision)) for path in conflicts
        }
        for path in [*incoming, *beside_paths.values()]:
            check_place(self._link.root, path)
        for path, move in moves.items():
            if move is Move.LAY:
                self._set_aside(path, state)
                self._place(staging / path, path)
            elif move is Move.REMOVE:
                self._set_aside(path, state)
                remove(self._link.root, path)
            elif move is Move.CONFLICT:
                self._place(staging / path, beside_paths[path])
        self._remember(state, moves, incoming, revision)
        return Laid(
            laid=tuple(path for path in paths if moves[path] is Move.LAY),
            removed=tuple(path for path in paths if moves[path] is Move.REMOVE),
            kept=tuple(path for path in paths if moves[path] is Move.KEEP),
            beside=tuple(beside_paths.values()),
        )

    def _decide(self, path: str, state: State, incoming: str | None) -> Move:
        here = self._link.root / path
        return decide(
            here="not a file" if here.is_dir() else self._prints.of(here),
            base=state.files.get(path),
            base_published=state.in_revision(path),
            incoming=incoming,
        )

    def _place(self, source: Path, path: str) -> None:
        target = self._link.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)

    def _set_aside(self, path: str, state: State) -> None:
        """Keep what is replaced, unless the revision before holds the very same."""
        source = self._link.root / path
        if not source.is_file() or state.files.get(path) == state.in_revision(path):
            return
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        target = self._link.root / STATE_FOLDER / REPLACED / now / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)

    def _remember(
        self,
        state: State,
        moves: Mapping[str, Move],
        incoming: Mapping[str, str],
        revision: int,
    ) -> None:
        files = {
            path: state.files.get(path, sha) if moves[path] is Move.KEEP else sha
            for path, sha in incoming.items()
        }
        published = {path: sha for path, sha in incoming.items() if files[path] != sha}
        self._link.write(State(state.lab, revision, files, published, state.strip, state.synced))


def place_for(lab: str, *, labs: Path) -> Path:
    """Return the folder below `labs` that holds `lab`, or that it can be laid into.

    It is called as the lab is; where another lab or other files have that name, the owner
    stands before it: `titanic`, `alice--titanic`, `alice--titanic-2`.
    """
    owner, _, name = lab.partition("/")
    candidates = [name, f"{owner}--{name}"]
    number = 2
    while True:
        for candidate in candidates:
            folder = labs / candidate
            state = Link(folder).read()
            if state.lab == lab if state else _is_free(folder):
                return folder
        candidates = [f"{owner}--{name}-{number}"]
        number += 1


def _is_free(folder: Path) -> bool:
    if not os.path.lexists(folder):
        return True
    # A laying that failed may have left its empty state folder.
    return folder.is_dir() and {entry.name for entry in folder.iterdir()} <= {STATE_FOLDER}
