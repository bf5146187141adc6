"""Publish a folder or a notebook: show exactly what would leave, then send it."""

from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any

from jupyterlab_machinelabs.jobs import Job
from jupyterlab_machinelabs.recent import Recent
from jupyterlab_machinelabs.targets import Targets
from machinelabs import Hub, LabDraft, TarStream
from machinelabs.errors import FolderFault, HubError
from machinelabs.folder import Entry, Scan, over_limits
from machinelabs.links import Link, State
from machinelabs.models import Limits
from machinelabs.notebooks import SUFFIX, strip_outputs
from machinelabs.paths import shown
from machinelabs.status import look

MIB = 1024 * 1024
LARGEST_STRIPPED = 256 * MIB
"""A notebook beyond this is not read whole to strip it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would leave, and what stands in the way."""

    path: str
    kind: str
    files: tuple[dict[str, Any], ...]
    size: int
    left_out: tuple[dict[str, str], ...]
    faults: tuple[str, ...]
    title: str
    lab: str | None
    revision: int | None
    strip: bool
    folder: str | None


class Publishing:
    """Sends folders and notebooks to the labs service."""

    def __init__(self, *, hub: Hub, targets: Targets, recent: Recent) -> None:
        self._hub = hub
        self._targets = targets
        self._recent = recent
        self._limits: Limits | None = None

    def preview(self, path: str, *, again: bool, strip: bool | None) -> Preview:
        """Return what publishing `path` would send.

        Args:
            path: as JupyterLab names it.
            again: publish the lab that it belongs to once more; else a new lab of it alone.
            strip: take the outputs out; None: as at the last publish.
        """
        link = self._link(path, again=again)
        state = link.read()
        strips = strip if strip is not None else bool(state and state.strip)
        found = look(link)
        files = [self._sized(entry, found) for entry in found.files] if strips else found.files
        found = replace(found, files=files)
        faults = [*found.faults, *over_limits(found, self._known_limits())]
        if not found.files and not faults:
            faults.append("There is no file here to publish.")
        return Preview(
            path=self._targets.name(link.root / (link.only or "")),
            kind="folder" if link.only is None else "file",
            files=tuple({"path": file.path, "size": file.size} for file in files),
            size=found.size,
            left_out=tuple(asdict(left) for left in found.left_out),
            faults=tuple(faults),
            title=_title(link, found),
            lab=state.lab if state else None,
            revision=state.revision if state else None,
            strip=strips,
            folder=self._folder_of(link),
        )

    def publish(self, path: str, draft: LabDraft, *, strip: bool, job: Job) -> dict[str, Any]:
        """Make a new lab of `path`; remember it beside the files."""
        link = self._link(path, again=False)
        with self._targets.held(link):
            stream = self._stream(link, strip=strip, job=job)
            lab = self._hub.labs.publish(draft, stream)
            self._remember(link, lab.full_name, lab.revision, stream, strip=strip)
        self._recent.add(lab, self._targets.name(link.root / (link.only or "")))
        return {"lab": lab.full_name, "revision": lab.revision, "url": lab.url, "unchanged": False}

    def revise(self, path: str, *, message: str, strip: bool | None, job: Job) -> dict[str, Any]:
        """Publish the next revision of the lab that `path` belongs to.

        Raises:
            StaleRevision: someone published a newer one first; nothing was sent over it.
        """
        link = self._link(path, again=True)
        with self._targets.held(link):
            state = _read(link)
            strips = state.strip if strip is None else strip
            stream = self._stream(link, strip=strips, job=job)
            revision = self._hub.labs.revise(
                state.lab, stream, base=state.revision, message=message
            )
            self._remember(link, state.lab, revision.number, stream, strip=strips)
        lab = self._hub.labs.get(state.lab)
        self._recent.add(lab, self._targets.name(link.root / (link.only or "")))
        return {
            "lab": state.lab,
            "revision": revision.number,
            "url": lab.url,
            "unchanged": revision.number == state.revision,
        }

    def _link(self, path: str, *, again: bool) -> Link:
        return self._targets.need_linked(path) if again else self._targets.publishable(path)

    def _folder_of(self, link: Link) -> str | None:
        """Return the folder that could be published instead of one file, if it may be."""
        if link.only is None or link.root == self._targets.root:
            return None
        return self._targets.name(link.root)

    def _known_limits(self) -> Limits:
        if self._limits is None:
            self._limits = self._hub.limits()
        return self._limits

    def _sized(self, entry: Entry, found: Scan) -> Entry:
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

    def _stream(self, link: Link, *, strip: bool, job: Job) -> TarStream:
        found = look(link)
        sized = found
        if strip:
            sized = replace(found, files=[self._sized(entry, found) for entry in found.files])
        faults = [*found.faults, *over_limits(sized, self._known_limits())]
        if faults:
            raise FolderFault(" ".join(faults[:3]))
        if not found.files:
            raise FolderFault("There is no file here to publish.")
        job.total = sized.size
        return TarStream(found.files, strip=strip, on_bytes=job.advance)

    def _remember(
        self, link: Link, lab: str, revision: int, stream: TarStream, *, strip: bool
    ) -> None:
        sent, local = stream.hashes, stream.local_hashes
        published = {path: sha for path, sha in sent.items() if local[path] != sha}
        link.write(State(lab, revision, dict(local), published, strip))


def _read(link: Link) -> State:
    state = link.read()
    if state is None:
        raise FolderFault(f"“{shown(link.root.name)}” is not a lab any more.")
    return state


def _title(link: Link, found: Scan) -> str:
    """Suggest a title: the file's or the folder's name, as words."""
    name = PurePath(link.only).stem if link.only else link.root.name
    words = " ".join(name.replace("_", " ").replace("-", " ").split())
    if words.lower() in {"", "untitled", "main"} and not link.only and found.files:
        words = PurePath(found.files[0].path).stem
    return words[:1].upper() + words[1:]
