"""Run the published revision that the files here are of, somewhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jupyterlab_machinelabs.targets import Targets
from machinelabs import Hub
from machinelabs.errors import FolderFault
from machinelabs.fingerprints import Fingerprints
from machinelabs.links import Link, State
from machinelabs.status import status

RUNNABLE: Final = (".ipynb", ".py")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to run, and where; what is empty is taken from the lab."""

    file: str
    image: str
    flavour: str
    parameters: Mapping[str, str]


class Running:
    """Orders runs of the labs that the files of this server are of."""

    def __init__(self, *, hub: Hub, targets: Targets, prints: Fingerprints) -> None:
        self._hub = hub
        self._targets = targets
        self._prints = prints

    def form(self, path: str, file: str = "") -> dict[str, Any]:
        """Return what a run of the lab of `path` begins with, and what there is to choose.

        Args:
            path: the open file, or a folder.
            file: which notebook or script of the lab; empty: the open one, or the entry point.
        """
        link, state = self._linked(path)
        file = file or self._open_file(path, link, state)
        form = self._hub.runs.form(state.lab, revision=state.revision, path=file)
        return form | self._hub.catalog() | {
            "lab": state.lab,
            "unpublished": status(link, state, self._prints).count,
        }  # fmt: skip

    def order(self, path: str, wish: Wish) -> dict[str, Any]:
        """Order a run of the revision that the files of `path` are of."""
        _, state = self._linked(path)
        run = self._hub.runs.order(
            state.lab,
            revision=state.revision,
            path=wish.file,
            image=wish.image,
            flavour=wish.flavour,
            parameters=wish.parameters,
        )
        return {"run": run.full_name, "url": run.url}

    def _linked(self, path: str) -> tuple[Link, State]:
        link = self._targets.need_linked(path)
        state = link.read()
        if state is None:
            raise FolderFault("These files belong to no lab. Publish them, then run that.")
        return link, state

    def _open_file(self, path: str, link: Link, state: State) -> str:
        """Return the open file as its lab names it; empty: it cannot run, or is not published."""
        here = self._targets.resolve(path)
        if here.suffix not in RUNNABLE or not here.is_relative_to(link.root):
            return ""
        name = here.relative_to(link.root).as_posix()
        return name if name in state.files else ""
