"""Find TensorBoard's event files where the code runs, and tell what they measure."""

import os
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

from machinelabs.runner.event_files import EventFile, NotEvents
from machinelabs.runner.measures import Measures, TooMuch

NAME: Final = "events.out.tfevents."
MOST_FILES: Final = 200
MOST_FOLDERS: Final = 2000
LOOK_SECONDS: Final = 5.0
"""After so long a look goes to no further file; the next one does."""

DEEPEST: Final = 8
"""Where nobody looks: a data set may be beside the code."""


class TensorBoard:
    """The event files of one run.

    Args:
        folder: the top of the lab's files.
        brought: files and folders that were there before the code began: not its work.
        measures: what takes the values.
    """

    def __init__(self, folder: Path, brought: Collection[str], measures: Measures) -> None:
        self._folder = folder
        self._brought = brought
        self._measures = measures
        self._looking = threading.Lock()
        """The last look of all may come while another is not over."""

        self._files: dict[Path, EventFile] = {}
        self._over: set[Path] = set()
        self._first: Path | None = None
        """The folder whose values have the names that the code gives them."""

    def look(self) -> bool:
        """Take what is new; tell whether there was any, or may be."""
        with self._looking:
            return self._look(time.monotonic() + LOOK_SECONDS)

    def _look(self, until: float) -> bool:
        for path in self._found():
            if path not in self._files and len(self._files) < MOST_FILES:
                self._files[path] = EventFile(path)
                self._first = self._first or path.parent
        files = [(path, file) for path, file in self._files.items() if path not in self._over]
        # Those first that wait longest: what grows all the time must not keep others waiting.
        found = False
        for path, file in files:
            if time.monotonic() > until:
                return True
            self._files[path] = self._files.pop(path)
            found |= self._read(path, file)
        return found

    def _read(self, path: Path, file: EventFile) -> bool:
        try:
            scalars = file.read()
        except (NotEvents, OSError):
            self._over.add(path)
            return False
        prefix = self._prefix(path.parent)
        for one in scalars:
            try:
                self._measures.metric(prefix + one.tag, one.value, one.step, one.at)
            except TooMuch:
                continue
        return bool(scalars)

    def _prefix(self, folder: Path) -> str:
        """Return what is put before the names of a folder's values: TensorBoard calls it a run."""
        if self._first is None or folder == self._first:
            return ""
        beside = os.path.relpath(folder, self._first.parent)
        name = beside if not beside.startswith("..") else os.path.relpath(folder, self._folder)
        return f"{name}/"

    def _found(self) -> list[Path]:
        found: list[Path] = []
        top = len(self._folder.parts)
        for number, (where, folders, files) in enumerate(os.walk(self._folder)):
            if number >= MOST_FOLDERS:
                break
            here = Path(where)
            hidden = (".", "__pycache__", "node_modules")
            folders[:] = sorted(
                one for one in folders if not one.startswith(hidden) and self._is_its(here / one)
            )
            if len(here.parts) - top >= DEEPEST:
                folders.clear()
            for name in sorted(files):
                path = here / name
                if not name.startswith(NAME) or path.is_symlink() or not path.is_file():
                    continue
                if self._is_its(path):
                    found.append(path)
        return found

    def _is_its(self, path: Path) -> bool:
        return path.relative_to(self._folder).as_posix() not in self._brought
