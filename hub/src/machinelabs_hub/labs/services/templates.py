"""Templates: the folders of `config/content` and of the site's own, and labs made from them."""

import io
import logging
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from machinelabs_hub.errors import NotFound
from machinelabs_hub.labs.models.config import NAME as CONFIG
from machinelabs_hub.labs.models.config import BadConfig, LabConfig, read_config
from machinelabs_hub.labs.models.lab import Lab, LabDraft
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.template import Template, words_of
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.names import shown
from machinelabs_hub.sites import template_folders

log = logging.getLogger("machinelabs.labs")

PLAINEST: Final = "blank"
"""Comes first; the others follow by title."""


class NoTemplate(NotFound):
    """The site has no template of this name."""

    code = "no_template"


class TemplateService:
    """What `viewer` may begin with."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def list(self) -> tuple[Template, ...]:
        """Return all templates, the plainest first."""
        found = {folder.name: self._read(folder) for folder in self._folders()}
        return tuple(
            sorted(found.values(), key=lambda one: (one.name != PLAINEST, one.title.casefold()))
        )

    def tar(self, name: str) -> BinaryIO:
        """Return the files of a template as a tar.

        Raises:
            NoTemplate: there is none of this name.
        """
        folder = self._folder(name)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in _files(folder):
                info = tarfile.TarInfo(path.relative_to(folder).as_posix())
                info.size = path.stat().st_size
                with path.open("rb") as content:
                    tar.addfile(info, content)
        packed.seek(0)
        return packed

    def make(self, name: str, draft: LabDraft) -> Lab:
        """Publish a template's files as a new lab of the viewer's, or of a group of theirs."""
        files = self.tar(name)
        return LabService(tools=self._tools, viewer=self._viewer).publish(draft, files)

    def title_of(self, name: str) -> str:
        """Return what a lab made from a template is called at first."""
        return self._read(self._folder(name)).title

    def _read(self, folder: Path) -> Template:
        readme, config = folder / "README.md", folder / CONFIG
        text = readme.read_text(encoding="utf-8", errors="replace") if readme.exists() else ""
        title, description = words_of(text, folder.name)
        said = LabConfig()
        try:
            if config.exists():
                said = read_config(config.read_bytes(), self._tools.catalog())
        except BadConfig as error:
            # Whoever makes a lab of it is told; the others are there all the same.
            log.warning("the template %s cannot be used: %s", folder, error)
        return Template(folder.name, title, description, said.image)

    def _folder(self, name: str) -> Path:
        for folder in self._folders():
            if folder.name == name:
                return folder
        raise NoTemplate(f"This site has no template “{shown(name)}”.")

    def _folders(self) -> Iterator[Path]:
        # A site's own template of the same name takes the place of ours.
        found = {
            folder.name: folder
            for parent in template_folders(self._tools.settings)
            if parent.is_dir()
            for folder in sorted(parent.iterdir())
            if folder.is_dir() and not folder.name.startswith(".")
        }
        yield from found.values()


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(
            part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts
        )
    ]
