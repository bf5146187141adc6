"""What stood in a folder before an update, so that it can be put back byte for byte.

`.machinelabs/before/folder/7/` keeps one update: `files/` holds what it replaced or removed, and
`update.json`, written last, says what it did. A file that is a lab of its own keeps its updates in
`.machinelabs/before/file-NAME/`.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from machinelabs.checkout import REPLACED
from machinelabs.errors import FolderFault
from machinelabs.links import Link, State, write_whole
from machinelabs.paths import STATE_FOLDER, shown
from machinelabs.places import check_place, free_name, remove

FOLDER: Final = "before"
MOST: Final = 10
"""Updates of a folder that are kept."""

_SAID: Final = "update.json"


@dataclass(frozen=True, slots=True)
class FileChange:
    """What an update does to one file.

    Attributes:
        path: where it is in the lab.
        change: `added`, `changed` or `removed` (as theirs), `merged` (of both), `conflict` (both
            sides are kept and marked), `kept` (yours stays although they removed it).
        note: a sentence about it; empty where `change` says all.
        conflicts: how many places in it are marked for you to decide.
    """

    path: str
    change: str
    note: str = ""
    conflicts: int = 0

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read a change from the API's JSON, or from what was kept."""
        return cls(
            path=str(body["path"]),
            change=str(body["change"]),
            note=str(body["note"]),
            conflicts=int(body["conflicts"]),
        )


@dataclass(frozen=True, slots=True)
class Update:
    """What an update does, or did.

    Attributes:
        lab: the folder's lab, `owner/name`.
        theirs: the lab whose changes are taken over.
        base: the revision of `theirs` that both sides come from.
        to: the revision of `theirs` that is taken over.
        files: what happens to each file that changes.
        beside: files of theirs that were laid under another name, because something that is no
            part of the lab stands at theirs: path -> where it was laid. Empty in a look.
    """

    lab: str
    theirs: str
    base: int
    to: int
    files: tuple[FileChange, ...]
    beside: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take over."""
        return not self.files

    @property
    def conflicts(self) -> int:
        """How many places are marked for the person to decide."""
        return sum(file.conflicts for file in self.files)


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of undoing an update.

    Attributes:
        update: the update that was undone.
        restored: the files that are as they were before.
        set_aside: files that were edited after the update: where the edited state is kept now.
    """

    update: Update
    restored: tuple[str, ...]
    set_aside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A file that an update touches: its sha256 before and after (None: not there)."""

    after: str | None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An update that was kept: in which folder, what it did, which files it touched."""

    folder: Path
    update: Update
    files: Mapping[str, Held]
    state: str


class Before:
    """The updates of one folder (or one file's place) that can be undone."""

    def __init__(self, link: Link) -> None:
        self._link = link
        name = "folder" if link.only is None else f"file-{link.only}"
        self._store = link.root / STATE_FOLDER / FOLDER / name

    def keep(self, update: Update, files: Mapping[str, Held], after: State) -> None:
        """Copy what stands at `files` now, and remember the update; call it before anything.

        `after` is what the folder remembers of its lab when the update is done.
        """
        numbers = self._numbers()
        folder = self._store / str(max(numbers, default=0) + 1)
        shutil.rmtree(folder, ignore_errors=True)
        held = {}
        for path, file in files.items():
            source = self._link.root / path
            if source.is_symlink() or source.is_file():
                _copy(source, folder / "files" / path)
            held[path] = asdict(Held(file.after, _sha(source)))
        folder.mkdir(parents=True, exist_ok=True)
        said = {
            "update": asdict(update),
            "files": held,
            "state": self._link.state_file.read_text(),
            "after": after.text(),
        }
        write_whole(folder / _SAID, json.dumps(said, ensure_ascii=False, indent=1).encode())
        for number in sorted(numbers)[: 1 - MOST]:
            shutil.rmtree(self._store / str(number), ignore_errors=True)

    def last(self) -> Kept | None:
        """Return the last update, or None if there is none or something was published since."""
        number = max(self._numbers(), default=0)
        if not number:
            return None
        folder = self._store / str(number)
        try:
            body = json.loads((folder / _SAID).read_bytes())
            # An update that broke off leaves the state of before.
            now = _but_lab(self._link.state_file.read_text())
            if now not in (_but_lab(body["after"]), _but_lab(body["state"])):
                return None
            said = body["update"]
            update = Update(
                lab=said["lab"],
                theirs=said["theirs"],
                base=said["base"],
                to=said["to"],
                files=tuple(FileChange.from_json(row) for row in said["files"]),
                beside=tuple((path, to) for path, to in said["beside"]),
            )
            files = {path: Held(**held) for path, held in body["files"].items()}
            return Kept(folder, update, files, body["state"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FolderFault(
                f"What “{shown(self._link.root.name)}” was before its last update cannot be read: "
                f"{folder.relative_to(self._link.root)} is damaged. Your files stay as they are."
            ) from error

    def restore(self) -> Undone:
        """Put back what stood here before the last update.

        Raises:
            FolderFault: there is none, or the folder does not take the files.
        """
        kept = self.last()
        if kept is None:
            raise FolderFault(
                "There is no update to undo here, or something was published since. The revisions "
                "of the lab are all there: restore the one you want on its page."
            )
        for path in kept.files:
            check_place(self._link.root, path)
        try:
            aside = self._set_aside(kept)
            for path, held in kept.files.items():
                self._put_back(kept.folder / "files" / path, path, held)
            write_whole(self._link.state_file, kept.state.encode())
        except OSError as error:
            raise FolderFault(
                f"“{shown(self._link.root.name)}” cannot be written to: {error.strerror}. Undo "
                "again when that is mended; nothing is lost."
            ) from error
        shutil.rmtree(kept.folder, ignore_errors=True)
        return Undone(kept.update, tuple(sorted(kept.files)), aside)

    def _set_aside(self, kept: Kept) -> tuple[str, ...]:
        """Keep what was edited since the update."""
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = []
        for path, held in kept.files.items():
            source = self._link.root / path
            if _sha(source) not in {None, held.after, held.before}:
                place = free_name(self._link.root, f"{STATE_FOLDER}/{REPLACED}/{now}/{path}")
                _copy(source, self._link.root / place)
                aside.append(place)
        return tuple(aside)

    def _put_back(self, source: Path, path: str, held: Held) -> None:
        target = self._link.root / path
        if held.before is None:
            remove(self._link.root, path)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".undo-{target.name}"[:250])
        draft.unlink(missing_ok=True)
        _copy(source, draft)
        draft.replace(target)

    def _numbers(self) -> list[int]:
        if not self._store.is_dir():
            return []
        return [
            int(folder.name)
            for folder in self._store.iterdir()
            if folder.name.isdecimal() and (folder / _SAID).is_file()
        ]


def _but_lab(state: str) -> Any:
    """Return what a folder remembers without its lab's address, which may change."""
    return {key: value for key, value in json.loads(state).items() if key != "lab"}


def _copy(source: Path, target: Path) -> None:
    """Copy a file with its mode and times, or a link as a link, and see it on the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)
    if not target.is_symlink():
        with target.open("rb") as file:
            os.fsync(file.fileno())


def _sha(file: Path) -> str | None:
    if not file.is_file():
        return None
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
