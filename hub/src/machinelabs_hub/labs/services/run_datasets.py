"""Make what a run put out a version of a dataset; not a byte is copied."""

from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.dataset import DatasetFile, Version
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.services.dataset_files import EmptyDataset, check_files
from machinelabs_hub.labs.services.dataset_versions import check_next
from machinelabs_hub.labs.services.datasets import dataset_to
from machinelabs_hub.labs.services.room import check_room
from machinelabs_hub.labs.services.runs import NoRun, RunGoesOn
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import writer
from machinelabs_hub.labs.storage.dataset_versions import NewVersion
from machinelabs_hub.names import shown


class RunDatasetService:
    """What runs put out, as `viewer` may keep it in datasets."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def files(self, run: Run, folder: str = "") -> tuple[DatasetFile, ...]:
        """Return what a version would hold that is made of a run.

        Args:
            run: one that the viewer may read.
            folder: only what lies in this folder of its outputs; empty: all of it.

        Raises:
            RunGoesOn: it is not over.
            EmptyDataset: it put out nothing there.
            DatasetTooLarge: more than a version may hold.
        """
        tools, inside = self._tools, folder.strip("/")
        if not run.state.is_final:
            raise RunGoesOn(f"{run.called} goes on. Wait for its end.")
        below = f"{inside}/" if inside else ""
        most = tools.settings.datasets.files
        found = tools.run_outputs.page(run, after="", limit=most + 1, below=below)
        if not found:
            where = f" in “{shown(inside, 120)}”. Name another folder" if inside else ""
            raise EmptyDataset(f"{run.called} put out no file{where}.")
        files = tuple(
            DatasetFile(one.path.removeprefix(below), one.size, one.sha256) for one in found
        )
        check_files(tools, files)
        return files

    def check_new(self, run: Run) -> None:
        """Refuse what a dataset cannot be made of that holds nothing yet; raises as `make`."""
        sizes = {one.sha256: one.size for one in self.files(run)}
        check_room(self._tools, writer(self._viewer), sum(sizes.values()))

    def make(
        self, owner: str, name: str, run: Run, *, folder: str = "", message: str = ""
    ) -> Version:
        """Make the next version of a dataset of what a run put out.

        Args:
            owner: of the dataset.
            name: of the dataset.
            run: one that the viewer may read.
            folder: only what lies in this folder of its outputs; empty: all of it.
            message: about the version.

        Raises:
            RunGoesOn: it is not over.
            EmptyDataset: it put out nothing there.
            DatasetTooLarge: more than a version may hold.
            StorageFull: more than the person's plan gives.
            TooManyVersions: the dataset has as many as it may have.
            TooMany: the person published too often.
            NoRun: it was deleted meanwhile.
        """
        tools, person = self._tools, writer(self._viewer)
        message = words.check_message(message)
        files = self.files(run, folder)
        with (
            tools.locks.hold(f"dataset {owner}/{name}"),
            # As uploads begin: two at a time would both find the same room.
            tools.locks.hold(f"room of {person.name}"),
            tools.blobs.kept(*(one.sha256 for one in files)),
        ):
            if tools.runs.get(run.id) is None:
                raise NoRun(f"{run.called} was deleted meanwhile.")
            dataset = dataset_to(Action.EDIT, tools, self._viewer, owner, name)
            check_next(tools, person, dataset)
            had = tools.dataset_versions.contents(dataset)
            new = {one.sha256: one.size for one in files if one.sha256 not in had}
            check_room(tools, person, sum(new.values()))
            version = NewVersion(person.name, message, files, tools.clock(), source=run.called)
            return tools.dataset_versions.add(dataset, version)
