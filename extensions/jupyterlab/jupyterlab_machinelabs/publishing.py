"""Publish a folder or a notebook: show exactly what would leave, then send it."""

from dataclasses import asdict, dataclass
from typing import Any

from jupyterlab_machinelabs.jobs import Job
from jupyterlab_machinelabs.recent import Recent
from jupyterlab_machinelabs.targets import Targets
from machinelabs import Hub, LabDraft
from machinelabs.links import Link
from machinelabs.publish import Progress, Publisher, state_of, suggested_title


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
        self._publisher = Publisher(hub=hub)
        self._targets = targets
        self._recent = recent

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
        found = self._publisher.preview(link, strip=strips)
        return Preview(
            path=self._targets.name(link.root / (link.only or "")),
            kind="folder" if link.only is None else "file",
            files=tuple({"path": file.path, "size": file.size} for file in found.files),
            size=found.size,
            left_out=tuple(asdict(left) for left in found.left_out),
            faults=tuple(found.faults),
            title=suggested_title(link, found),
            lab=state.lab if state else None,
            revision=state.revision if state else None,
            strip=strips,
            folder=self._folder_of(link),
        )

    def publish(self, path: str, draft: LabDraft, *, strip: bool, job: Job) -> dict[str, Any]:
        """Make a new lab of `path`; remember it beside the files."""
        link = self._link(path, again=False)
        lab = self._publisher.publish(link, draft, strip=strip, progress=_progress(job))
        self._recent.add(lab, self._targets.name(link.root / (link.only or "")))
        return {"lab": lab.full_name, "revision": lab.revision, "url": lab.url, "unchanged": False}

    def revise(self, path: str, *, message: str, strip: bool | None, job: Job) -> dict[str, Any]:
        """Publish the next revision of the lab that `path` belongs to.

        Raises:
            StaleRevision: someone published a newer one first; nothing was sent over it.
        """
        link = self._link(path, again=True)
        revision, is_new = self._publisher.revise(
            link, message=message, strip=strip, progress=_progress(job)
        )
        state = state_of(link)
        lab = self._hub.labs.get(state.lab)
        self._recent.add(lab, self._targets.name(link.root / (link.only or "")))
        return {
            "lab": state.lab,
            "revision": revision.number,
            "url": lab.url,
            "unchanged": not is_new,
        }

    def _link(self, path: str, *, again: bool) -> Link:
        return self._targets.need_linked(path) if again else self._targets.publishable(path)

    def _folder_of(self, link: Link) -> str | None:
        """Return the folder that could be published instead of one file, if it may be."""
        if link.only is None or link.root == self._targets.root:
            return None
        return self._targets.name(link.root)


def _progress(job: Job) -> Progress:
    def on_total(size: int) -> None:
        job.total = size

    return Progress(on_total, job.advance)
