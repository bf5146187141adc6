"""Merge a person's own working copy with what is newer; nothing of it is stored."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.merge.report import Names
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.services import intake, merging
from machinelabs_hub.labs.services.merging import Merged, Side
from machinelabs_hub.labs.services.revisions import RevisionService, StaleRevision
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.updates import UpdateService
from machinelabs_hub.labs.services.viewer import lab_at, lab_to, signed_in
from machinelabs_hub.labs.storage import tar

_PIECE: Final = 1 << 20


class BadBase(BadInput):
    """The revision that a working copy is said to stand on cannot be that."""

    code = "bad_base"


@dataclass(frozen=True, slots=True)
class WorkingMerge:
    """A working copy with what is newer in it.

    Attributes:
        theirs: the lab whose changes are in it now.
        base: the revision of it that both sides come from.
        to: the revision of it that was merged in.
        merged: the files and what happened to each.
        laid: paths of the result that the working copy has not, or has otherwise.
        removed: paths of the working copy that are not in the result.
        newest: all files of `to`.
    """

    theirs: Lab
    base: int
    to: Revision
    merged: Merged
    laid: tuple[str, ...]
    removed: tuple[str, ...]
    newest: tuple[FileEntry, ...]


class WorkingCopyService:
    """Merges of files that a person sends, as they may read the labs."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer
        self._updates = UpdateService(tools=tools, viewer=viewer)
        self._revisions = RevisionService(tools=tools, viewer=viewer)

    def check_may_merge(self, owner: str, name: str) -> None:
        """Refuse who may not, before anything is sent."""
        signed_in(self._viewer)
        lab_at(self._tools, self._viewer, owner, name)

    def with_newest(self, owner: str, name: str, *, base: int, files: BinaryIO) -> WorkingMerge:
        """Merge the files of a tar, made on top of r`base`, with the lab's newest revision."""
        lab = self._lab(owner, name)
        theirs = self._revisions.find(lab)
        if base > theirs.number:
            raise BadBase(f"{lab.path} has no r{base}. Its newest is r{theirs.number}.")
        side = merging.stored(self._tools, lab.store, self._revisions.find(lab, base))
        names = Names("your files", f"{lab.path} r{theirs.number}", f"r{theirs.number}")
        return self._merged(lab, theirs, side, base=base, files=files, names=names)

    def with_original(
        self, owner: str, name: str, *, base: int, synced: int | None, files: BinaryIO
    ) -> WorkingMerge:
        """Merge the files of a tar, made on top of r`base`, with the newest of the original.

        `synced` is the original's revision that is in them; None: as in the fork.

        Raises:
            NotAllowed: only those who may change the fork may; what it has merged in is theirs.
            StaleRevision: r`base` is not the fork's newest, so what is in it is not in them.
        """
        lab = self._lab(owner, name)
        lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
        parent, original = self._updates.original_of(lab)
        if base != lab.revision:
            raise StaleRevision(
                f"Your files are of r{base} of {lab.path}, whose newest is r{lab.revision}. Get "
                "that first, then update from the original."
            )
        theirs = self._revisions.find(original)
        has = max(synced or 0, parent.has)
        if has > theirs.number:
            raise BadBase(f"{original.path} has no r{has}. Its newest is r{theirs.number}.")
        side = self._updates.base_of(lab, parent, original, has)
        names = Names(lab.path, merging.name_of(original, theirs), f"r{theirs.number}")
        return self._merged(original, theirs, side, base=has, files=files, names=names)

    def content(self, found: WorkingMerge, path: str) -> tuple[int, Iterator[bytes]]:
        """Return the size and the bytes of a file of the result, piece by piece."""
        made = found.merged.made.get(path)
        if made is not None:
            return len(made), iter((made,))
        entry = next(entry for entry in found.merged.kept if entry.path == path)
        return entry.size, self._tools.repos.stream(found.theirs.store, entry.blob, entry.size)

    def _lab(self, owner: str, name: str) -> Lab:
        person = signed_in(self._viewer)
        lab = lab_at(self._tools, self._viewer, owner, name)
        most = self._tools.settings.limits.publishes_per_hour
        self._tools.publishes.take(
            person.name, f"You published or merged {most} times within an hour."
        )
        return lab

    def _merged(
        self,
        theirs: Lab,
        to: Revision,
        was: Side,
        *,
        base: int,
        files: BinaryIO,
        names: Names,
    ) -> WorkingMerge:
        mine, their_files = self._sent(files), merging.stored(self._tools, theirs.store, to)
        merged = merging.merge(self._tools, was, mine, their_files, names)
        here = {entry.path: entry for entry in mine.files}
        after = {entry.path: entry.sha256 for entry in merged.kept} | dict.fromkeys(merged.made)
        return WorkingMerge(
            theirs=theirs,
            base=base,
            to=to,
            merged=merged,
            laid=tuple(
                path
                for path, sha in sorted(after.items())
                if path not in here or here[path].sha256 != sha
            ),
            removed=tuple(sorted(here.keys() - after.keys())),
            newest=their_files.files,
        )

    def _sent(self, files: BinaryIO) -> Side:
        """Return the files of a tar as a side of a merge; they stay where they are."""
        members = {
            member.path: member
            for member in intake.listed(tar.members(files), self._tools.settings.limits)
        }
        entries = tuple(
            FileEntry(path, member.size, _sha256(files, member), "", member.executable)
            for path, member in sorted(members.items())
        )
        return Side(entries, lambda entry: tar.content(files, members[entry.path]).read())


def _sha256(files: BinaryIO, member: tar.Member) -> str:
    digest = hashlib.sha256()
    source = io.BufferedReader(tar.content(files, member), _PIECE)
    for piece in iter(partial(source.read, _PIECE), b""):
        digest.update(piece)
    return digest.hexdigest()
