"""Catch a folder up with the original of its lab, or with a newer revision of the lab itself.

What the `ml` command and the JupyterLab extension call; nothing else is needed:

    look(labs, link, source=Source.ORIGINAL, on_bytes=None) -> Update
        Say what an update would do. The folder stays as it is.
    update(labs, link, prints, source=Source.ORIGINAL, on_bytes=None) -> Update
        Send the folder's files, have them merged, lay the result. What was here before is kept in
        `.machinelabs/before/`, so it can be undone. Edits that are not published are merged too.
    undoable(link) -> Update | None
        The last update that can be undone, or None.
    undo(link) -> Undone
        Put every file back as it was before the last update, byte for byte.

`labs` is `Hub(...).labs`, `link` comes from `links.find`, `prints` is the process's
`Fingerprints`. `source` is `Source.ORIGINAL` (the lab that the folder's lab was forked from) or
`Source.NEWEST` (the newest revision of the folder's own lab, published elsewhere). All raise
`HubError`s, whose sentence can be shown; nothing was changed then. `Update.is_empty` tells that
there was nothing to take over. Before the original comes the lab itself: where its newest revision
is not here yet, `Source.ORIGINAL` is refused with `StaleRevision`, and `Source.NEWEST` helps.
Publishing afterwards is `Publisher.revise` as always: it tells the site what is merged in.
"""

import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final

from machinelabs.before import Before, FileChange, Held, Undone, Update
from machinelabs.errors import FolderFault, SiteFault
from machinelabs.fingerprints import Fingerprints
from machinelabs.hold import hold
from machinelabs.hub import Labs
from machinelabs.links import Link, State
from machinelabs.paths import STATE_FOLDER, beside, fault_of, shown
from machinelabs.places import check_place, free_name, remove
from machinelabs.publish import followed
from machinelabs.status import look as look_over
from machinelabs.tar import FileChanged, TarStream, unpack

__all__ = ["FileChange", "Source", "Undone", "Update", "look", "undo", "undoable", "update"]

REPORT: Final = "report.json"
FILES: Final = "files"
OnBytes = Callable[[int], None]


class Source(StrEnum):
    """What a folder is caught up with."""

    ORIGINAL = "original"
    """The newest revision of the lab that this one was forked from."""

    NEWEST = "newest"
    """The newest revision of the folder's own lab."""


def look(
    labs: Labs, link: Link, *, source: Source = Source.ORIGINAL, on_bytes: OnBytes | None = None
) -> Update:
    """Say what an update would do; the folder stays as it is.

    Args:
        labs: the site.
        link: a folder or file that is a lab.
        source: what to catch up with.
        on_bytes: told how many bytes were sent since the last call; may raise to stop.
    """
    state, _ = followed(labs, link)
    with _asked(labs, link, state, source, _stream(link, on_bytes)) as answer:
        return _report(state, _first(answer)).update


def update(
    labs: Labs,
    link: Link,
    prints: Fingerprints,
    *,
    source: Source = Source.ORIGINAL,
    on_bytes: OnBytes | None = None,
) -> Update:
    """Merge what is newer into the files here; `undo` takes it back.

    Everything is fetched first, so a full disk or a broken line changes nothing.

    Args:
        labs: the site.
        link: a folder or file that is a lab.
        prints: what is known of the files here.
        source: what to catch up with.
        on_bytes: told how many bytes were sent since the last call; may raise to stop.

    Raises:
        FileChanged: a file was edited while this went on; nothing was done.
        FolderFault: the folder does not take the files; nothing was done.
        Busy: another program is at this folder; nothing was done.
    """
    with hold(link):
        return _update(labs, link, prints, source, on_bytes)


def _update(
    labs: Labs, link: Link, prints: Fingerprints, source: Source, on_bytes: OnBytes | None
) -> Update:
    state, _ = followed(labs, link)
    stream = _stream(link, on_bytes)
    store = link.root / STATE_FOLDER
    try:
        with tempfile.TemporaryDirectory(dir=store, prefix="incoming-") as folder:
            with _asked(labs, link, state, source, stream) as answer:
                hashes = unpack(answer, Path(folder))
            report = _report(state, (Path(folder) / REPORT).read_bytes())
            laying = _Laying(link, prints, Path(folder) / FILES, stream.local_hashes, hashes)
            return laying.lay(report, _after(state, report, source))
    except OSError as error:
        raise FolderFault(
            f"“{shown(link.root.name)}” cannot be written to: {error.strerror}."
        ) from error


def undoable(link: Link) -> Update | None:
    """Return the last update of a folder, or None if there is none that can be undone."""
    found = Before(link).last()
    return found.update if found else None


def undo(link: Link) -> Undone:
    """Put every file back as it was before the last update; edits made since are set aside.

    Raises:
        FolderFault: there is no update to undo.
        Busy: another program is at this folder.
    """
    with hold(link):
        return Before(link).restore()


@dataclass(frozen=True, slots=True)
class _Report:
    update: Update
    lay: tuple[str, ...]
    remove: tuple[str, ...]
    newest: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Laying:
    """Lays merged files: those below `staging`, over the files that were sent."""

    link: Link
    prints: Fingerprints
    staging: Path
    sent: Mapping[str, str]
    hashes: Mapping[str, str]

    def lay(self, report: _Report, after: State) -> Update:
        """Keep what stands here, then lay; whatever fails, fails before."""
        targets = {path: self._target(path, report.update.to) for path in report.lay}
        self._check(report, targets)
        laid_beside = tuple((path, to) for path, to in targets.items() if to != path)
        done = replace(report.update, beside=laid_beside)
        if not targets and not report.remove and after == self.link.read():
            return done
        now = {to: self.hashes[f"{FILES}/{path}"] for path, to in targets.items()}
        held = {path: Held(now.get(path)) for path in (*now, *report.remove)}
        Before(self.link).keep(done, held, after)
        for path, to in targets.items():
            self._place(path, to)
        for path in report.remove:
            remove(self.link.root, path)
        self.link.write(after)
        return done

    def _target(self, path: str, revision: int) -> str:
        """Return where a file is laid: beside what was not sent, and so is not in the merge."""
        if path in self.sent or not os.path.lexists(self.link.root / path):
            return path
        return free_name(self.link.root, beside(path, revision))

    def _check(self, report: _Report, targets: Mapping[str, str]) -> None:
        for path, to in targets.items():
            if f"{FILES}/{path}" not in self.hashes:
                raise SiteFault("The labs service sent fewer files than it said. Try again.")
            check_place(self.link.root, to)
        for path in (*targets.values(), *report.remove):
            known = self.sent.get(path)
            if known is None and path in report.remove:
                raise SiteFault("The labs service wants a file removed that it was not sent.")
            if known is not None and self.prints.of(self.link.root / path) != known:
                raise FileChanged(
                    f"“{shown(path)}” changed while the update was made. Nothing was done; save "
                    "your work and update again."
                )

    def _place(self, path: str, to: str) -> None:
        source, target = self.staging / path, self.link.root / to
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_file():
            source.chmod(target.stat().st_mode)
        source.replace(target)


def _stream(link: Link, on_bytes: OnBytes | None) -> TarStream:
    found = look_over(link)
    if found.faults:
        raise FolderFault(" ".join(found.faults[:3]))
    return TarStream(found.files, on_bytes=on_bytes)


@contextmanager
def _asked(
    labs: Labs, link: Link, state: State, source: Source, stream: TarStream
) -> Iterator[BinaryIO]:
    if not state.revision:
        raise FolderFault(f"“{shown(link.root.name)}” is of no revision yet. Publish it first.")
    with labs.merge(
        state.lab, stream, source=source.value, base=state.revision, synced=state.synced
    ) as answer:
        yield answer


def _first(answer: BinaryIO) -> bytes:
    with tarfile.open(fileobj=answer, mode="r|") as archive:
        member = archive.next()
        content = archive.extractfile(member) if member and member.name == REPORT else None
        if content is None:
            raise SiteFault("The labs service answered what this client cannot read.")
        return content.read()


def _report(state: State, said: bytes) -> _Report:
    try:
        body: dict[str, Any] = json.loads(said)
        report = _Report(
            update=Update(
                lab=state.lab,
                theirs=str(body["theirs"]),
                base=int(body["base"]),
                to=int(body["to"]),
                files=tuple(FileChange.from_json(row) for row in body["files"]),
            ),
            lay=tuple(map(str, body["lay"])),
            remove=tuple(map(str, body["remove"])),
            newest={str(path): str(sha) for path, sha in body["newest"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SiteFault("The labs service answered what this client cannot read.") from error
    for path in (*report.lay, *report.remove):
        if fault := fault_of(path):
            raise SiteFault(f"The labs service sent a file that cannot be laid: {fault}")
    return report


def _after(state: State, report: _Report, source: Source) -> State:
    if source is Source.NEWEST:
        files = dict(report.newest)
        return replace(state, revision=report.update.to, files=files, published={})
    if report.update.to == report.update.base:
        return state
    return replace(state, synced=report.update.to)
