"""Publish a folder or one file as a lab: look it over, send it, remember it beside the files."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

from machinelabs.errors import Conflict, FolderFault, HubError, NotAllowed
from machinelabs.folder import Entry, Scan, over_limits
from machinelabs.hold import hold
from machinelabs.hub import Hub, Labs
from machinelabs.links import Link, State
from machinelabs.models import Lab, LabDraft, Limits, Revision
from machinelabs.notebooks import SUFFIX, strip_outputs
from machinelabs.paths import shown
from machinelabs.status import look
from machinelabs.tar import TarStream

LARGEST_STRIPPED: Final = 256 * 1024 * 1024
"""A notebook beyond this is not read whole to strip it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told how a send goes; `on_bytes` may raise to stop it."""

    on_total: Callable[[int], None] = lambda _: None
    on_bytes: Callable[[int], None] = lambda _: None


class Publisher:
    """Sends what stands in a folder to a site."""

    def __init__(self, *, hub: Hub) -> None:
        self._hub = hub
        self._limits: Limits | None = None

    def preview(self, link: Link, *, strip: bool) -> Scan:
        """Return what would be sent, with what stands in the way as its `faults`."""
        found = self._sized(look(link), strip=strip)
        found.faults += over_limits(found, self._known_limits())
        if not found.files and not found.faults:
            found.faults.append("There is no file here to publish.")
        return found

    def publish(
        self, link: Link, draft: LabDraft, *, strip: bool, progress: Progress = Progress()
    ) -> Lab:
        """Make a new lab of `link` and remember it there.

        Raises:
            Busy: another program is at this folder.
        """
        with hold(link):
            stream = self._stream(link, strip=strip, progress=progress)
            lab = self._hub.labs.publish(draft, stream)
            _remember(link, State(lab.full_name, lab.revision, {}, strip=strip), stream)
        return lab

    def revise(
        self, link: Link, *, message: str, strip: bool | None, progress: Progress = Progress()
    ) -> tuple[Revision, bool]:
        """Publish the next revision of the lab that `link` is.

        Args:
            link: a folder or file that was published or laid before.
            message: what changed, for the lab's history.
            strip: take the outputs out; None: as at the last publish.
            progress: who is told.

        Returns:
            The newest revision, and whether it is new: the same files again make none.

        Raises:
            StaleRevision: someone published a newer one first; nothing was sent over it.
            Busy: another program is at this folder.
        """
        with hold(link):
            state, _ = followed(self._hub.labs, link)
            strips = state.strip if strip is None else strip
            stream = self._stream(link, strip=strips, progress=progress)
            revision = self._hub.labs.revise(
                state.lab,
                stream,
                base=state.revision or None,
                message=message,
                synced=state.synced,
            )
            _remember(link, replace(state, revision=revision.number, strip=strips), stream)
        return revision, revision.number != state.revision

    def adopt(self, link: Link, *, name: str = "", owner: str = "") -> Lab:
        """Fork the lab of `link`, which is another's, and make these files the fork's.

        One that you may edit stays as it is, unless `owner` says whose the fork is to be.

        Raises:
            Conflict: the files are of another revision than the fork was made from.
            Busy: another program is at this folder.
        """
        with hold(link):
            return self._adopt(link, name, owner)

    def _adopt(self, link: Link, name: str, owner: str) -> Lab:
        state, lab = followed(self._hub.labs, link)
        stays = lab.may_edit and not owner
        fork = lab if stays else self._hub.labs.fork(state.lab, name=name, owner=owner)
        newest, files = self._hub.labs.files(fork.full_name)
        if {file.path: file.sha256 for file in files} != {
            file: state.in_revision(file) for file in state.files
        }:
            raise Conflict(
                f"Your fork {fork.full_name} holds other files than r{state.revision} of "
                f"{state.lab}. Open the fork and copy your changes there."
            )
        link.write(replace(state, lab=fork.full_name, revision=newest))
        return fork

    def _known_limits(self) -> Limits:
        if self._limits is None:
            self._limits = self._hub.limits()
        return self._limits

    def _stream(self, link: Link, *, strip: bool, progress: Progress) -> TarStream:
        sized = self.preview(link, strip=strip)
        if sized.faults:
            raise FolderFault(" ".join(sized.faults[:3]))
        progress.on_total(sized.size)
        # The tar is packed from what lies here, not from the sizes that stripping leaves.
        return TarStream(look(link).files, strip=strip, on_bytes=progress.on_bytes)

    def _sized(self, found: Scan, *, strip: bool) -> Scan:
        if not strip:
            return found
        return replace(found, files=[_stripped(entry, found) for entry in found.files])


def state_of(link: Link) -> State:
    """Return the state of a folder that is a lab.

    Raises:
        FolderFault: it is none.
    """
    state = link.read()
    if state is None:
        raise FolderFault(f"“{shown(link.root.name)}” is not a lab any more.")
    return state


def followed(labs: Labs, link: Link) -> tuple[State, Lab]:
    """Return the state of a folder and its lab; where that has moved, the folder is of the new.

    Raises:
        NotFound: the lab is gone, or not for the person to see.
    """
    state = state_of(link)
    lab = labs.get(state.lab)
    if lab.full_name != state.lab:
        state = replace(state, lab=lab.full_name)
        link.write(state)
    return state, lab


def check_editable(lab: Lab) -> None:
    """Refuse a lab that the person may read, but not publish to."""
    if not lab.may_edit:
        raise NotAllowed(f"{lab.full_name} belongs to {lab.owner}. Fork it to make it yours.")


def suggested_title(link: Link, found: Scan) -> str:
    """Return a title for a new lab: the file's or the folder's name, as words."""
    name = PurePath(link.only).stem if link.only else link.root.name
    words = " ".join(name.replace("_", " ").replace("-", " ").split())
    if words.lower() in {"", "untitled", "main"} and not link.only and found.files:
        words = PurePath(found.files[0].path).stem
    return words[:1].upper() + words[1:]


def _stripped(entry: Entry, found: Scan) -> Entry:
    if not entry.path.endswith(SUFFIX) or entry.size > LARGEST_STRIPPED:
        return entry
    try:
        stripped = strip_outputs(entry.source.read_bytes(), path=entry.path)
    except HubError as error:
        found.faults.append(str(error))
        return entry
    except OSError as error:
        found.faults.append(f"“{shown(entry.path)}” cannot be read: {error.strerror}.")
        return entry
    return replace(entry, size=len(stripped))


def _remember(link: Link, state: State, stream: TarStream) -> None:
    sent, local = stream.hashes, stream.local_hashes
    published = {path: sha for path, sha in sent.items() if local[path] != sha}
    link.write(replace(state, files=dict(local), published=published))
