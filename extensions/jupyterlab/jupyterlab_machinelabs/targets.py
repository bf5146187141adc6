"""From a path that JupyterLab names to the folder or file that is, or can become, a lab."""

from pathlib import Path

from machinelabs import links
from machinelabs.errors import BadInput, FolderFault
from machinelabs.links import Link
from machinelabs.paths import STATE_FOLDER, shown


class Targets:
    """The folders below `root`, the top of JupyterLab's file browser."""

    def __init__(self, *, root: Path) -> None:
        self.root = root

    @property
    def labs(self) -> Path:
        """Where opened labs are laid."""
        return self.root / "labs"

    def resolve(self, path: str) -> Path:
        """Return the place that JupyterLab calls `path`.

        Raises:
            BadInput: it leaves the top folder.
        """
        parts = [part for part in path.split("/") if part]
        if ".." in parts or "\0" in path or STATE_FOLDER in parts:
            raise BadInput(f"“{shown(path)}” is not in your files.")
        return self.root.joinpath(*parts)

    def name(self, place: Path) -> str:
        """Return what JupyterLab calls `place`."""
        return place.relative_to(self.root).as_posix()

    def linked(self, path: str) -> Link | None:
        """Return the lab that `path` belongs to, if any."""
        return links.find(self.resolve(path), top=self.root)

    def need_linked(self, path: str) -> Link:
        """Return the lab that `path` belongs to.

        Raises:
            FolderFault: it belongs to none.
        """
        link = self.linked(path)
        if link is None:
            raise FolderFault(f"“{shown(path)}” is not part of a lab yet. Publish it as one first.")
        return link

    def publishable(self, path: str) -> Link:
        """Return the link that publishing `path` anew would make.

        Raises:
            FolderFault: there is nothing, or it is the top folder.
        """
        place = self.resolve(path)
        if place.is_dir():
            if place == self.root:
                raise FolderFault(
                    "Your whole home cannot be a lab. Choose a folder in it, or one notebook."
                )
            return Link(place)
        if place.is_file():
            return Link(place.parent, place.name)
        raise FolderFault(f"There is no “{shown(path)}” any more. Save it and try again.")
