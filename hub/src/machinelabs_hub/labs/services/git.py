"""Labs as git repositories: what a git client may fetch, and what a push makes of a lab."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from machinelabs_hub.errors import BadInput, Conflict, MachineLabsError
from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import Action, first_open
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.paths import STATE_FOLDER, is_kept_out
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.services import intake, next_revision
from machinelabs_hub.labs.services.intake import MIB, FileTooLarge, LabTooLarge, Parcel, Reader
from machinelabs_hub.labs.services.labs import publisher
from machinelabs_hub.labs.services.next_revision import Face
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import LabMoved, NoLab, lab_at, lab_to
from machinelabs_hub.labs.storage.exports import MAIN, TAG, refs_of
from machinelabs_hub.labs.storage.incoming import Incoming, PushedFile, incoming
from machinelabs_hub.labs.storage.pktline import NOTHING, Order, Push, report
from machinelabs_hub.labs.storage.tar import Member
from machinelabs_hub.names import shown
from machinelabs_hub.sites import Addresses, Files

ABILITIES: Final = (
    "report-status delete-refs side-band-64k quiet ofs-delta object-format=sha1 agent=git/labs"
)
"""What a pusher's git is told that it may use; a deletion is asked for to be refused in words."""

MOST_REVISIONS: Final = 50
"""Commits of one push up to which each is a revision; of more, the last one is."""

_PER_FILE: Final = 4096


class FetchFirst(Conflict):
    """Somebody published since the pusher fetched."""

    code = "fetch_first"


class NotOnTop(Conflict):
    """What was pushed does not build on what was published."""

    code = "non_fast_forward"


class RefRefused(BadInput):
    """A ref that nobody may push."""

    code = "ref_refused"


@dataclass(frozen=True, slots=True)
class _Checked:
    commit: str
    message: str
    parcel: Parcel
    entries: tuple[FileEntry, ...]


class GitService:
    """Exports of labs, as `viewer` may read and extend them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def to_fetch(self, owner: str, name: str) -> Path:
        """Return the repository that the viewer fetches this lab from, brought up to date.

        Raises:
            NoLab: there is none, or none that the viewer may know of.
        """
        lab = self._lab(Action.READ, owner, name)
        return self._export(lab, first_open(self._viewer, lab))

    def check_may_push(self, owner: str, name: str) -> None:
        """Refuse who may not push to this lab, before anything is sent."""
        self._lab(Action.EDIT, owner, name)

    def to_push(self, owner: str, name: str) -> dict[str, str]:
        """Return the refs on which a push of the viewer's builds.

        Raises:
            NoLab: there is none, or none that the viewer may know of.
            NotAllowed: it is not theirs to change, or not with this token.
        """
        lab = self._lab(Action.EDIT, owner, name)
        return refs_of(self._export(lab, 1))

    def most_bytes(self) -> int:
        """Return how many bytes a push may have."""
        limits = self._tools.settings.limits
        return (limits.lab_mib << 20) + limits.lab_files * _PER_FILE + (1 << 20)

    def push(self, owner: str, name: str, asked: Push, body: BinaryIO | None) -> bytes:
        """Make revisions of what was pushed, and return what the pusher is told.

        Args:
            owner: whose lab it is.
            name: which lab of theirs.
            asked: the refs to move.
            body: the pack, from where it stands; None: it was too large to be taken.
        """
        verdicts, said = {}, []
        for order in asked.orders:
            try:
                made = self._move(owner, name, order, body)
                verdicts[order.ref] = ""
                said += made
            except MachineLabsError as error:
                verdicts[order.ref] = _reason(error)
                said += str(error).splitlines()
        return report(asked, verdicts, said)

    def _move(self, owner: str, name: str, order: Order, body: BinaryIO | None) -> list[str]:
        _check_ref(order)
        lab = self._lab(Action.EDIT, owner, name)
        author = publisher(self._tools, self._viewer)
        if body is None:
            most = self.most_bytes() >> 20
            raise LabTooLarge(f"The push is larger than {most} MiB, more than a lab may have here.")
        export = self._export(lab, 1)
        self._check_current(lab, export, order)
        folder = Files(self._tools.settings.data).labs / "spool"
        with incoming(folder, export) as box:
            box.take(body, most=self.most_bytes())
            steps = self._steps(box, order, lab)
            newest = self._newest(lab)
            checked = list(self._check(box, steps, self._manifest(lab, newest)))
            with self._tools.locks.hold(lab.uid):
                lab = self._lab(Action.EDIT, owner, name)
                self._check_current(lab, export, order)
                self._adopt(box, lab, order)
                for step in checked:
                    newest = self._add(lab, newest, step, author.name)
                    lab = self._lab(Action.EDIT, owner, name)
        self._export(lab, 1)
        address = f"{Addresses(self._tools.settings).labs}/{lab.path}"
        return [f"{lab.path} has r{newest.number} now: {address}"]

    def _lab(self, action: Action, owner: str, name: str) -> Lab:
        """Return a lab also by a former address: git's client does not keep where it is led."""
        tools, viewer = self._tools, self._viewer
        try:
            lab_at(tools, viewer, owner, name)
        except LabMoved as moved:
            owner, name = moved.now
        if action is Action.READ:
            return lab_at(tools, viewer, owner, name)
        return lab_to(action, tools, viewer, owner, name)

    def _export(self, lab: Lab, first: int) -> Path:
        with self._tools.locks.hold(f"export {lab.uid} {first}"):
            revisions = self._tools.revisions.all_of(lab)[::-1]
            return self._tools.exports.update(lab.store, lab.uid, revisions, first)

    def _check_current(self, lab: Lab, export: Path, order: Order) -> None:
        refs = refs_of(export)
        if refs.get(f"{TAG}{lab.revision}") == refs[MAIN] == order.old:
            return
        newest = self._newest(lab)
        raise FetchFirst(
            f"{newest.author} published r{newest.number} of {lab.path} on "
            f"{newest.created_at:%Y-%m-%d at %H:%M} UTC. Fetch it and merge, then push again."
        )

    def _steps(self, box: Incoming, order: Order, lab: Lab) -> tuple[str, ...]:
        limits = self._tools.settings.limits
        steps = box.steps(order.new, order.old)
        if steps is None:
            raise NotOnTop(
                f"Your main does not follow r{lab.revision} of {lab.path}, and what was published "
                "is never taken back. Fetch, merge or rebase, then push without --force."
            )
        mass = box.weigh(order.new, order.old)
        if mass.largest > limits.file_mib * MIB:
            raise FileTooLarge(
                f"“{shown(mass.largest_path)}” has {mass.largest / MIB:.1f} MiB. The most that a "
                f"file may have here is {limits.file_mib} MiB, in the history too."
            )
        if mass.size > self.most_bytes():
            raise LabTooLarge(
                f"What you push has {mass.size / MIB:.0f} MiB unpacked. The most that a lab may "
                f"have here is {limits.lab_mib} MiB. Push less at once."
            )
        return steps if len(steps) <= MOST_REVISIONS else steps[-1:]

    def _check(
        self, box: Incoming, steps: tuple[str, ...], known: dict[str, FileEntry]
    ) -> Iterator[_Checked]:
        for commit in steps:
            files = {file.path: file for file in box.files(commit)}
            for path in files:
                if is_kept_out(path):
                    raise RefRefused(
                        f"“{shown(path)}” is your own state of a lab and never part of one. Take "
                        f"{STATE_FOLDER}/ out of your commits and name it in .gitignore."
                    )
            members = [Member(it.path, it.size, 0, it.executable) for it in files.values()]
            parcel = intake.check(
                members,
                _reader(box, files),
                self._tools.settings.limits,
                self._tools.catalog(),
            )
            entries = tuple(_entry(box, file, known) for file in files.values())
            known |= {entry.blob: entry for entry in entries}
            yield _Checked(commit, _message(box.message(commit)), parcel, entries)

    def _adopt(self, box: Incoming, lab: Lab, order: Order) -> None:
        revisions = self._tools.revisions.all_of(lab)[::-1]
        self._tools.exports.adopt(lab.store, revisions, box.path, order.new, order.old)

    def _add(self, lab: Lab, newest: Revision, step: _Checked, author: str) -> Revision:
        parcel = step.parcel
        return next_revision.add(
            self._tools,
            lab,
            newest,
            step.entries,
            author=author,
            message=step.message,
            face=Face(parcel.config, parcel.entrypoint, parcel.texts),
            pushed=step.commit,
        )

    def _manifest(self, lab: Lab, newest: Revision) -> dict[str, FileEntry]:
        entries = self._tools.repos.manifest(lab.store, newest.commit)
        return {entry.blob: entry for entry in entries}

    def _newest(self, lab: Lab) -> Revision:
        found = self._tools.revisions.find(lab, lab.revision)
        if found is None:
            raise NoLab(f"{lab.path} was deleted at this moment.")
        return found


def _check_ref(order: Order) -> None:
    name = shown(order.ref.removeprefix("refs/heads/").removeprefix("refs/tags/"))
    if order.ref != MAIN:
        kind = "tag" if order.ref.startswith("refs/tags/") else "branch"
        raise RefRefused(
            f"The {kind} {name} was not taken: a lab has one line of revisions. Push to main; each "
            "revision gets its tag by itself."
        )
    if order.new == NOTHING:
        raise RefRefused("main cannot be deleted. Delete the lab on its settings page instead.")


def _reader(box: Incoming, files: dict[str, PushedFile]) -> Reader:
    return lambda member, most: box.read(files[member.path].blob, most)


def _entry(box: Incoming, file: PushedFile, known: dict[str, FileEntry]) -> FileEntry:
    if file.blob in known:
        sha256 = known[file.blob].sha256
    else:
        digest = hashlib.sha256()
        for piece in box.pieces(file.blob):
            digest.update(piece)
        sha256 = digest.hexdigest()
    return FileEntry(file.path, file.size, sha256, file.blob, file.executable)


def _message(said: str) -> str:
    plain = "".join(char for char in said if char.isprintable() or char == "\n")
    return words.check_message(plain.strip()[: words.LONGEST_MESSAGE])


def _reason(error: MachineLabsError) -> str:
    # git's own client knows these two words, and says what to do.
    words_of_git = {FetchFirst.code: "fetch first", NotOnTop.code: "non-fast-forward"}
    return words_of_git.get(error.code, error.code.replace("_", " "))
