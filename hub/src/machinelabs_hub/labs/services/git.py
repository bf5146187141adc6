"""Labs as git repositories: what a git client may fetch."""

from pathlib import Path

from machinelabs_hub.labs.models.access import first_open
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_at


class GitService:
    """Exports of labs, as `viewer` may read them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def to_fetch(self, owner: str, name: str) -> Path:
        """Return the repository that the viewer fetches this lab from, brought up to date.

        Raises:
            NoLab: there is none, or none that the viewer may know of.
        """
        lab = lab_at(self._tools, self._viewer, owner, name)
        first = first_open(self._viewer, lab)
        with self._tools.locks.hold(f"export {lab.uid} {first}"):
            revisions = self._tools.revisions.all_of(lab)[::-1]
            return self._tools.exports.update(lab.store, lab.uid, revisions, first)
