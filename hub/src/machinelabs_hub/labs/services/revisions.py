"""Revisions: publish the next, list them, read their files."""

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, Final, Literal

from machinelabs_hub.errors import Conflict, NotFound, TooLarge
from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import Action, first_open
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_place, write_place
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.services import details, intake, next_revision
from machinelabs_hub.labs.services.labs import publisher
from machinelabs_hub.labs.services.next_revision import Face, Synced
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_to
from machinelabs_hub.names import shown

Number = int | Literal["latest"]
_LIST: Final = "revisions"
READ_AT_ONCE = 64 << 20
"""Bytes up to which `read` gives a file whole."""


class StaleRevision(Conflict):
    """Somebody published since the revision that these changes are based on."""

    code = "stale_revision"


class NoRevision(NotFound):
    """The lab has no revision of this number."""

    code = "no_revision"


class NoFile(NotFound):
    """The revision has no file of this path."""

    code = "no_file"


class RevisionService:
    """The states of labs. A `Lab` given to it comes from `LabService.get`: it may be read."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def check_may_publish(self, owner: str, name: str) -> None:
        """Refuse who may not publish this lab, before anything is sent."""
        lab_to(Action.EDIT, self._tools, self._viewer, owner, name)

    def publish(
        self,
        owner: str,
        name: str,
        *,
        base: int | None,
        message: str,
        files: BinaryIO,
        synced: Synced | None = None,
    ) -> tuple[Revision, bool]:
        """Publish the files of a tar as the next revision, made on top of r`base`.

        `synced` says what of the lab's original is merged into them (None: as before).

        Returns:
            The newest revision, and whether it is new: the same files again make none.

        Raises:
            StaleRevision: r`base` is not the newest; None is never stale.
        """
        lab = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
        author = publisher(self._tools, self._viewer)
        message = words.check_message(message)
        self._check_base(lab, base)
        parcel = intake.inspect(files, self._tools.settings.limits, self._tools.catalog())
        entries = intake.write(files, parcel, self._tools.repos, lab.store)
        with self._tools.locks.hold(lab.uid):
            lab = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
            newest = self.find(lab)
            self._check_base(lab, base)
            if self._tools.repos.same_files(lab.store, newest.commit, entries):
                return newest, False
            revision = next_revision.add(
                self._tools,
                lab,
                newest,
                entries,
                author=author.name,
                message=message,
                face=Face(parcel.config, parcel.entrypoint, parcel.texts),
                synced=synced,
            )
            return revision, True

    def restore(
        self, owner: str, name: str, number: int, *, base: int | None = None, message: str = ""
    ) -> tuple[Revision, bool]:
        """Publish the files of r`number` again as the next revision, on top of r`base`.

        Returns:
            The newest revision, and whether it is new: the newest files again make none.

        Raises:
            NoRevision: the lab has no r`number`.
            StaleRevision: r`base` is not the newest; None is never stale.
        """
        lab = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
        author = publisher(self._tools, self._viewer)
        message = words.check_message(message) or f"Restore r{number}"
        with self._tools.locks.hold(lab.uid):
            lab = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
            newest, wanted = self.find(lab), self.find(lab, number)
            self._check_base(lab, base)
            entries = self._tools.repos.manifest(lab.store, wanted.commit)
            if self._tools.repos.same_files(lab.store, newest.commit, entries):
                return newest, False
            revision = next_revision.add(
                self._tools,
                lab,
                newest,
                entries,
                author=author.name,
                message=message,
                synced=self._synced_at(lab, number),
            )
            return revision, True

    def list(self, lab: Lab, *, cursor: str = "", limit: int = DEFAULT_LIMIT) -> Page[Revision]:
        """Return the revisions of a lab that the viewer may read, the newest first, a page."""
        first = first_open(self._viewer, lab)
        before = read_place(cursor, _LIST) if cursor else None
        found = self._tools.revisions.page(lab, first=first, before=before, limit=limit + 1)
        items, more = found[:limit], len(found) > limit
        return Page(items, write_place(_LIST, items[-1].number) if more else None)

    def find(self, lab: Lab, number: Number = "latest") -> Revision:
        """Return one revision of a lab.

        Raises:
            NoRevision: the lab has none of this number, or none that the viewer may read.
        """
        wanted = lab.revision if number == "latest" else number
        first = first_open(self._viewer, lab)
        if 0 < wanted < first:
            raise NoRevision(f"r{wanted} of {lab.path} is from before it was opened to you.")
        found = self._tools.revisions.find(lab, wanted) if 0 < wanted <= lab.revision else None
        if found is None:
            raise NoRevision(f"{lab.path} has no r{wanted}. Its newest is r{lab.revision}.")
        return found

    def files(self, lab: Lab, number: Number = "latest") -> tuple[FileEntry, ...]:
        """Return the files of a revision, ordered by path."""
        return self._tools.repos.manifest(lab.store, self.find(lab, number).commit)

    def file(self, lab: Lab, number: Number, path: str) -> FileEntry:
        """Return one file of a revision.

        Raises:
            NoFile: the revision has none of this path.
        """
        for entry in self.files(lab, number):
            if entry.path == path:
                return entry
        raise NoFile(f"{lab.path} has no file “{shown(path)}” in this revision.")

    def read(self, lab: Lab, number: Number, path: str, *, most: int = READ_AT_ONCE) -> bytes:
        """Return a file whole, if it has at most `most` bytes.

        Raises:
            TooLarge: it has more; use `open`.
        """
        entry = self.file(lab, number, path)
        if entry.size > most:
            raise TooLarge(
                f"“{shown(path)}” has {entry.size / intake.MIB:.1f} MiB, too much to show. "
                "Download it instead."
            )
        return self._tools.repos.read(lab.store, entry.blob)

    def open(self, lab: Lab, number: Number, path: str) -> tuple[FileEntry, Iterator[bytes]]:
        """Return a file and its content piece by piece, however large it is."""
        entry = self.file(lab, number, path)
        return entry, self._tools.repos.stream(lab.store, entry.blob, entry.size)

    def archive(self, lab: Lab, number: Number = "latest") -> Iterator[bytes]:
        """Return all files of a revision as a tar, piece by piece."""
        return packed(self._tools, lab, self.find(lab, number))

    def _synced_at(self, lab: Lab, number: int) -> Synced | None:
        """Return what of the parent r`number` has if that is from before the last update."""
        last = details.last_update(self._tools, lab)
        if last is None or number >= last[0]:
            return None
        return Synced(last[1], before=None)

    def _check_base(self, lab: Lab, base: int | None) -> None:
        if base is None or base == lab.revision:
            return
        newest = self.find(lab)
        if base > newest.number:
            raise StaleRevision(f"{lab.path} has no r{base}. Its newest is r{newest.number}.")
        raise StaleRevision(
            f"{newest.author} published r{newest.number} of {lab.path} on "
            f"{newest.created_at:%Y-%m-%d at %H:%M} UTC; your changes are based on r{base}. "
            "Get the newest revision first, then publish again."
        )


def packed(tools: Tools, lab: Lab, revision: Revision) -> Iterator[bytes]:
    """Return all files of a revision as a tar, piece by piece."""
    for entry in tools.repos.manifest(lab.store, revision.commit):
        head = tarfile.TarInfo(entry.path)
        head.size = entry.size
        head.mode = 0o755 if entry.executable else 0o644
        head.mtime = int(revision.created_at.timestamp())
        yield head.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        yield from tools.repos.stream(lab.store, entry.blob, entry.size)
        yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
    yield b"\0" * tarfile.BLOCKSIZE * 2
