"""What an image is made of, and the hash that changes when any of it does."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from machinelabs_hub.catalog.model import Image
from machinelabs_hub.errors import SettingsError

SERVER = "server"
"""Folder of the last step of every image: our own packages and how the server is set up."""

PACKAGES = "packages.txt"
"""Packages of the distribution. Only an image that lists some is built with a network."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The folder of one image of the catalogue, and the recipe that it stands on."""

    name: str
    folder: Path
    parent: "Recipe | None" = None

    @property
    def pins(self) -> tuple[Path, ...]:
        """The requirement files whose packages every build of the image holds."""
        return tuple(path for path in self._requirements if "-" not in path.stem)

    @property
    def variants(self) -> tuple[Path, ...]:
        """Requirement files of which one is chosen, the preferred first: python-cpu, …."""
        return tuple(path for path in self._requirements if "-" in path.stem)

    @property
    def _requirements(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.txt") if path.name != PACKAGES)

    @property
    def needs_network(self) -> bool:
        """Whether the build installs packages of the distribution."""
        return (self.folder / PACKAGES).exists()

    def hash(self, variant: Path | None = None) -> str:
        """Return 64 hex digits over every file that decides what is in the image."""
        others = {path for path in self.variants if path != variant}
        files = [path for path in contents(self.folder) if path not in others]
        start = [self.parent.hash()] if self.parent else []
        return digest(files, root=self.folder, start=start)


def recipes(images: Sequence[Image], folder: Path) -> list[Recipe]:
    """Return a recipe an image, parents before children.

    Raises:
        SettingsError: an image has no folder, or its parents make no tree.
    """
    rows = {image.name: image for image in images}
    made: dict[str, Recipe] = {}

    def make(name: str, waiting: tuple[str, ...]) -> Recipe:
        if name not in rows or name in waiting:
            chain = " → ".join((*waiting, name))
            raise SettingsError(f"The parents of the images make no tree: {chain}.")
        if name not in made:
            home = folder / name
            if not (home / "Dockerfile").is_file():
                raise SettingsError(f"The image “{name}” has no {home / 'Dockerfile'}.")
            above = rows[name].parent
            parent = make(above, (*waiting, name)) if above else None
            made[name] = Recipe(name=name, folder=home, parent=parent)
        return made[name]

    for image in images:
        make(image.name, ())
    return list(made.values())


def contents(folder: Path) -> list[Path]:
    """Return the files below `folder` that a build can see: all but what pins are made from."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".in"]


def digest(files: Iterable[Path], *, root: Path, start: Iterable[str] = ()) -> str:
    """Return the SHA-256 of `files` (names below `root`, modes, contents) after `start`."""
    total = hashlib.sha256()
    for part in start:
        total.update(f"{part}\n".encode())
    for path in files:
        mode = "x" if path.stat().st_mode & 0o100 else "-"
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(root)} {mode} {content}\n".encode())
    return total.hexdigest()


def own_wheels(folder: Path) -> list[Path]:
    """Return the newest wheel of each of our own packages in `folder`."""
    newest: dict[str, Path] = {}
    for path in sorted(folder.glob("*.whl"), key=lambda path: path.stat().st_mtime):
        newest[path.name.split("-", 1)[0]] = path
    return sorted(newest.values())
