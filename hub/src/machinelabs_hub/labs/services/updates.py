"""Catch a fork up with its original: see what would change, do it, take it back."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from machinelabs_hub.errors import Conflict, MachineLabsError, NotFound
from machinelabs_hub.labs.merge.report import Names
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.lab import Lab, Parent
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.render.files import Kind, kind_of
from machinelabs_hub.labs.services import details, merging, next_revision
from machinelabs_hub.labs.services.compare import Content, Unshown, content_of
from machinelabs_hub.labs.services.labs import publisher
from machinelabs_hub.labs.services.merging import Merged, Side
from machinelabs_hub.labs.services.next_revision import Synced
from machinelabs_hub.labs.services.revisions import RevisionService, StaleRevision
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_at, lab_to

_SHOWN_BYTES: Final = 8 << 20

_MERGER: Final = "1"
"""Raise it when the same revisions merge otherwise: a preview of before is stale then."""


class NoOriginal(NotFound):
    """The lab is no fork, or its original cannot be read any more."""

    code = "no_original"


class UpToDate(Conflict):
    """The fork has all that its original has."""

    code = "up_to_date"


class StaleUpdate(MachineLabsError):
    """An update would not do any more what was seen of it."""

    code = "stale_update"
    status = HTTPStatus.PRECONDITION_FAILED

    def __init__(self, lab: Lab) -> None:
        super().__init__(
            f"{lab.path} or its original changed since you looked. Look at the update again, then "
            "apply it. Nothing was changed."
        )


class NothingToUndo(Conflict):
    """The newest revision is not what an update made."""

    code = "nothing_to_undo"


@dataclass(frozen=True, slots=True)
class Preview:
    """What an update of a fork would do.

    Attributes:
        lab: the fork.
        original: the lab it was forked from.
        base: the original's revision that is merged in.
        to: the original's revision that would be merged in.
        mine: the fork's newest revision.
        merged: the files and what happens to each.
    """

    lab: Lab
    original: Lab
    base: int
    to: Revision
    mine: Revision
    merged: Merged

    @property
    def fingerprint(self) -> str:
        """What an apply may be held to: equal ones do the very same."""
        parts = (_MERGER, self.lab.uid, self.mine.number, self.original.uid, self.base)
        text = "\0".join(map(str, (*parts, self.to.number)))
        return sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class LastUpdate:
    """An update that can be undone: `revision` of the fork merged in `to`."""

    revision: int
    to: int
    before: int


class UpdateService:
    """Updates of forks, by those who may edit them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer
        self._revisions = RevisionService(tools=tools, viewer=viewer)

    def preview(self, owner: str, name: str, *, to: int | None = None) -> Preview:
        """Merge in memory; nothing is written.

        Args:
            owner: whose fork it is.
            name: which.
            to: a revision of the original; None: its newest.

        Raises:
            NoOriginal: there is none, or none that the viewer may read.
            UpToDate: the fork has all of it.
        """
        lab = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
        parent, original = self.original_of(lab)
        theirs = self._revisions.find(original, to or "latest")
        if theirs.number <= parent.has:
            raise UpToDate(
                f"{lab.path} has r{parent.has} of {original.path} already. There is nothing to "
                "update."
            )
        mine = self._revisions.find(lab)
        names = Names(lab.path, merging.name_of(original, theirs), f"r{theirs.number}")
        merged = merging.merge(
            self._tools,
            self.base_of(lab, parent, original, parent.has),
            merging.stored(self._tools, lab.store, mine),
            merging.stored(self._tools, original.store, theirs),
            names,
        )
        return Preview(lab, original, parent.has, theirs, mine, merged)

    def apply(
        self, owner: str, name: str, *, to: int | None = None, expected: str = ""
    ) -> tuple[Revision, Preview]:
        """Make the next revision of a fork: its files with what the original changed.

        Args:
            owner: whose fork it is.
            name: which.
            to: a revision of the original; None: its newest.
            expected: the fingerprint of the preview that was seen; empty: none was.

        Raises:
            StaleUpdate: the fork or its original changed since the preview.
            StaleRevision: the fork changed at this moment.
        """
        found = self.preview(owner, name, to=to)
        author = publisher(self._tools, self._viewer)
        if expected and expected != found.fingerprint:
            raise StaleUpdate(found.lab)
        entries = merging.write(self._tools, found.lab.store, found.merged)
        face = next_revision.checked(self._tools, found.lab.store, entries)
        with self._tools.locks.hold(found.lab.uid):
            lab = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
            if lab.revision != found.mine.number or not lab.parent or lab.parent.has != found.base:
                raise StaleRevision(
                    f"{lab.path} was changed at this moment. Look at the update again, then apply "
                    "it. Nothing was changed."
                )
            revision = next_revision.add(
                self._tools,
                lab,
                found.mine,
                entries,
                author=author.name,
                message=f"Update to r{found.to.number} of the original",
                face=face,
                synced=Synced(found.to.number, before=found.base),
            )
        return revision, found

    def last(self, lab: Lab) -> LastUpdate | None:
        """Return the update that made a lab's newest revision, or None."""
        said = details.last_update(self._tools, lab)
        if said is None or said[0] != lab.revision or lab.parent is None:
            return None
        return LastUpdate(said[0], lab.parent.has, said[1])

    def undo(self, owner: str, name: str) -> Revision:
        """Make the next revision of a fork: just the files that it had before its last update.

        Raises:
            NothingToUndo: something was published since, or there was no update.
        """
        author = publisher(self._tools, self._viewer)
        asked = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
        with self._tools.locks.hold(asked.uid):
            lab = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
            last = self.last(lab)
            if last is None:
                raise NothingToUndo(
                    f"The newest revision of {lab.path} is no update, so there is none to undo. "
                    "Its revisions are all there: restore the one you want."
                )
            newest = self._revisions.find(lab)
            before = self._revisions.find(lab, last.revision - 1)
            return next_revision.add(
                self._tools,
                lab,
                newest,
                self._tools.repos.manifest(lab.store, before.commit),
                author=author.name,
                message=f"Undo the update to r{last.to} of the original",
                synced=Synced(last.before, before=None),
            )

    def contents(self, found: Preview, path: str) -> Content:
        """Return what an update changes inside a file of the fork."""
        name = next((c.beside for c in found.merged.changes if c.path == path and c.beside), None)
        mine = self._tools.repos.manifest(found.lab.store, found.mine.commit)
        sides = [self._entry(mine, path if name is None else name)]
        sides.append(self._entry(found.merged.kept, name or path))
        made = found.merged.made.get(name or path)
        if any(entry and entry.size > _SHOWN_BYTES for entry in sides) or (
            made is not None and len(made) > _SHOWN_BYTES
        ):
            return Unshown("It is too large to be shown here.")
        if made is None and kind_of(path) in {Kind.IMAGE, Kind.BINARY}:
            return Unshown("It is not text.")
        before, after = (
            None if entry is None else self._tools.repos.read(found.lab.store, entry.blob)
            for entry in sides
        )
        after = after if made is None else made
        if before == after:
            return Unshown("Your file stays as it is.")
        return content_of(path, before, after)

    @staticmethod
    def _entry(files: Iterable[FileEntry], path: str) -> FileEntry | None:
        return next((entry for entry in files if entry.path == path), None)

    def original_of(self, lab: Lab) -> tuple[Parent, Lab]:
        """Return what a fork was forked from.

        Raises:
            NoOriginal: it is no fork, or its original is gone or not for the viewer.
        """
        parent = lab.parent
        if parent is None:
            raise NoOriginal(
                f"{lab.path} was not forked from a lab that you may see, so there is no original "
                "to update it from."
            )
        if parent.exists:
            try:
                return parent, lab_at(self._tools, self._viewer, parent.owner, parent.name)
            except NotFound:
                # It went to the trash, or was made private, at this moment.
                pass
        raise NoOriginal(
            f"{parent.owner}/{parent.name}, the original of {lab.path}, was deleted or is not "
            "shared with you any more. Your lab stays as it is; there is nothing to update it "
            "from."
        )

    def base_of(self, lab: Lab, parent: Parent, original: Lab, number: int) -> Side:
        """Return the original's r`number`, which the fork has merged in."""
        found = None
        if number == parent.revision:
            # A fork begins with just the files that were forked.
            found = self._tools.revisions.find(lab, 1)
        elif number == parent.has:
            # Who merged it in has seen it, whatever may be read of the original now.
            found = self._tools.revisions.find(original, number)
        if found is None:
            found = self._revisions.find(original, number)
        return merging.stored(self._tools, lab.store, found)

    def synced(self, owner: str, name: str, number: int | None) -> Synced | None:
        """Return what a publish says of the original that its files have merged in.

        Raises:
            NoOriginal: the lab has none.
            NoRevision: the original has no r`number` for the viewer.
        """
        if number is None:
            return None
        lab = lab_at(self._tools, self._viewer, owner, name)
        if lab.parent and number <= lab.parent.has:
            # What was merged in elsewhere meanwhile stays so.
            return None
        parent, original = self.original_of(lab)
        return Synced(self._revisions.find(original, number).number, before=parent.has)
