"""Datasets that a run finds in its folder: which, and their files, for its own container."""

from collections.abc import Iterator
from dataclasses import dataclass

from machinelabs_hub.errors import NotFound
from machinelabs_hub.labs.models.dataset import DatasetFile, Version
from machinelabs_hub.labs.models.page import Page
from machinelabs_hub.labs.models.place import read_path, write_place
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.services.run_inputs import NoInput
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.names import shown

_LIST = "mounted"


class NoMount(NotFound):
    """The run has no such mount, or no such file in it."""

    code = "no_mount"


@dataclass(frozen=True, slots=True)
class RunMount:
    """A version of a dataset that lies in a run's folder.

    Attributes:
        place: its number among what the run uses.
        dataset: `OWNER/NAME@v3`.
        at: the folder, beside the file that is run.
    """

    place: int
    dataset: str
    at: str
    files_count: int
    size_bytes: int


def mounts_of(tools: Tools, run: Run) -> tuple[RunMount, ...]:
    """Return what a run mounts; of a version that was purged since, no file is left."""
    found = []
    for place, use in enumerate(tools.dataset_versions.uses(run)):
        if use.at:
            version = use.version_id and tools.dataset_versions.get(use.version_id)
            files, size = (version.files_count, version.size_bytes) if version else (0, 0)
            found.append(RunMount(place, use.called, use.at, files, size))
    return tuple(found)


def files_of(tools: Tools, run: Run, place: int, *, cursor: str, limit: int) -> Page[DatasetFile]:
    """Return files of a mount by path, a page of them.

    Raises:
        NoMount: the run has none of this number.
        NoInput: the dataset was purged since the run was ordered.
    """
    version = _version(tools, run, place)
    after = read_path(cursor, _LIST) if cursor else ""
    found = tools.dataset_versions.files(version.id, after=after, limit=limit + 1)
    items, more = found[:limit], len(found) > limit
    return Page(items, write_place(_LIST, items[-1].path) if more else None)


def file_of(tools: Tools, run: Run, place: int, path: str) -> DatasetFile:
    """Return one file of a mount.

    Raises:
        NoMount: there is none of this path.
    """
    found = tools.dataset_versions.file(_version(tools, run, place).id, path)
    if found is None:
        raise NoMount(f"The mount {place} of {run.called} has no file “{shown(path, 120)}”.")
    return found


def read(tools: Tools, file: DatasetFile, start: int, size: int) -> Iterator[bytes]:
    """Return a part of a file, piece by piece.

    Raises:
        NoInput: its content is lost; a place that is away for a while says so by itself.
    """
    if not tools.blobs.has(file.sha256, file.size):
        raise NoInput(f"“{shown(file.path, 120)}” cannot be read any more. Tell an admin.")
    return tools.blobs.read(file.sha256, start=start, size=size)


def _version(tools: Tools, run: Run, place: int) -> Version:
    uses = tools.dataset_versions.uses(run)
    if not 0 <= place < len(uses) or not uses[place].at:
        raise NoMount(f"{run.called} has no mount {place}.")
    use = uses[place]
    version = use.version_id and tools.dataset_versions.get(use.version_id)
    if not version:
        raise NoInput(
            "This version was deleted since the run was ordered. Name another one in ml.yaml, and "
            "run the lab again."
        )
    return version
