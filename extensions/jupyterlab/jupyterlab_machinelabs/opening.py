"""Open and fork labs: lay their files where JupyterLab shows them, and say how they stand."""

import time
from dataclasses import dataclass
from typing import Any, Final

from jupyterlab_machinelabs.recent import Recent
from jupyterlab_machinelabs.targets import Targets
from machinelabs import Hub, Lab
from machinelabs.checkout import Checkout, Overlap, place_for
from machinelabs.errors import HubError
from machinelabs.fingerprints import Fingerprints
from machinelabs.links import Link, State
from machinelabs.publish import Publisher
from machinelabs.status import status
from machinelabs.update import undoable

NEWEST_SECONDS: Final = 60
"""How long the number of a lab's newest revision is believed."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Where an opened lab lies, as JupyterLab names it."""

    lab: str
    folder: str
    entrypoint: str
    revision: int

    @property
    def path(self) -> str:
        """What to show: the entrypoint, or the folder."""
        return f"{self.folder}/{self.entrypoint}" if self.entrypoint else self.folder


class Opening:
    """Brings labs here and says how the files stand to them."""

    def __init__(self, *, hub: Hub, targets: Targets, prints: Fingerprints, recent: Recent) -> None:
        self._hub = hub
        self.targets = targets
        self._prints = prints
        self._recent = recent
        self._newest: dict[str, tuple[float, Lab | None]] = {}

    def open(self, name: str, path: str = "") -> Opened:
        """Lay the newest revision of `name`; files that you changed stay as they are.

        Where you and the newer revision changed the same file, nothing at all is laid: the
        status says that there is a newer one.
        """
        lab = self._hub.labs.get(name)
        link = Link(place_for(lab.full_name, labs=self.targets.labs))
        state = link.read()
        if state is None or state.revision != lab.revision:
            self._lay(link, lab)
        folder = self.targets.name(link.root)
        self._recent.add(lab, folder)
        entrypoint = next(
            (
                asked
                for asked in (path, lab.entrypoint or "")
                if asked and self.targets.resolve(f"{folder}/{asked}").is_file()
            ),
            "",
        )
        return Opened(lab.full_name, folder, entrypoint, lab.revision)

    def fork(self, name: str) -> Lab:
        """Fork a lab, or find the fork that you have; yours are returned as they are."""
        lab = self._hub.labs.get(name)
        return lab if lab.may_edit else self._hub.labs.fork(name)

    def adopt(self, path: str) -> dict[str, Any]:
        """Fork the lab of `path`, which is not yours, and make these files the fork's.

        Raises:
            Conflict: the files are of another revision than the fork was made from.
        """
        link = self.targets.need_linked(path)
        fork = Publisher(hub=self._hub).adopt(link)
        return {"lab": fork.full_name, "revision": fork.revision, "url": fork.url}

    def standing(self, path: str) -> dict[str, Any] | None:
        """Return how the files around `path` stand to their lab; None: they are of none."""
        link = self.targets.linked(path)
        state = link.read() if link else None
        if link is None or state is None:
            return None
        found = status(link, state, self._prints)
        lab = self._known(state.lab)
        return {
            "lab": state.lab,
            "revision": state.revision,
            "newest": lab.revision if lab else None,
            "url": lab.url if lab else None,
            "original": self._original(lab, state),
            "undoable": undoable(link) is not None,
            "may_edit": lab.may_edit if lab else None,
            "visibility": lab.visibility if lab else None,
            "path": self.targets.name(link.root / (link.only or "")),
            "kind": "folder" if link.only is None else "file",
            "strip": state.strip,
            "changed": list(found.changed),
            "added": list(found.added),
            "deleted": list(found.deleted),
        }

    def _original(self, lab: Lab | None, state: State) -> dict[str, Any] | None:
        """Return which revision of the original is merged in here, and which is its newest."""
        if lab is None or lab.parent is None or not lab.parent.exists:
            return None
        parent = self._known(f"{lab.parent.owner}/{lab.parent.name}")
        if parent is None:
            return None
        return {
            "lab": parent.full_name,
            "revision": state.synced or lab.parent.synced,
            "newest": parent.revision,
            "url": parent.url,
        }

    def forget_newest(self, path: str) -> None:
        """Ask the service anew about the lab of `path` the next time."""
        link = self.targets.linked(path)
        state = link.read() if link else None
        if state is None:
            return
        _, lab = self._newest.pop(state.lab, (0.0, None))
        if lab and lab.parent:
            self._newest.pop(f"{lab.parent.owner}/{lab.parent.name}", None)

    def _lay(self, link: Link, lab: Lab) -> None:
        try:
            with self._hub.labs.archive(lab.full_name, lab.revision) as archive:
                Checkout(link=link, prints=self._prints).lay(
                    archive, lab=lab.full_name, revision=lab.revision
                )
        except Overlap:
            # Yours stays, whole; JupyterLab's status item says that a newer revision is there.
            return
        self._newest.pop(lab.full_name, None)

    def _known(self, name: str) -> Lab | None:
        asked_at, lab = self._newest.get(name, (0.0, None))
        if time.monotonic() - asked_at < NEWEST_SECONDS and asked_at:
            return lab
        try:
            lab = self._hub.labs.get(name)
        except HubError:
            # Offline, deleted or made private: the files here still say what they are.
            lab = None
        self._newest[name] = (time.monotonic(), lab)
        return lab
