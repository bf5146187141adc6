"""Put the executed notebook of a run back into its lab, as the next revision."""

from hashlib import sha256
from io import BytesIO

from machinelabs_hub.errors import Conflict
from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import Action, may
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.models.run import Run, RunKind, RunState
from machinelabs_hub.labs.services import next_revision
from machinelabs_hub.labs.services.labs import publisher
from machinelabs_hub.labs.services.revisions import RevisionService, StaleRevision
from machinelabs_hub.labs.services.runs import RunService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_to


class NothingToPublish(Conflict):
    """The run has no executed notebook that is whole."""

    code = "nothing_to_publish"


class RunPublishService:
    """What runs executed, as `viewer` may publish it. `RunService` decides who sees a run."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer
        self._runs = RunService(tools=tools, viewer=viewer)

    def may(self, lab: Lab, run: Run) -> bool:
        """Tell whether the viewer can publish the executed notebook of a run now."""
        is_there = _has_whole(run) and run.revision == lab.revision and run.hidden_at is None
        return is_there and may(self._viewer, Action.EDIT, lab)

    def publish(self, lab: Lab, number: int, *, message: str = "") -> tuple[Revision, bool]:
        """Publish the revision that a run executed again, with the notebook as it left it.

        Returns:
            The newest revision, and whether it is new: the same notebook again makes none.

        Raises:
            NothingToPublish: the run did not finish, or executed a script.
            StaleRevision: the lab has a newer revision than the one that was executed.
        """
        tools = self._tools
        run = self._runs.get(lab, number)
        lab = lab_to(Action.EDIT, tools, self._viewer, lab.owner, lab.name)
        author = publisher(tools, self._viewer)
        message = words.check_message(message) or f"Run #{run.number} of r{run.revision}"
        if not _has_whole(run):
            raise NothingToPublish(
                f"{run.called} has no executed notebook to publish: only a notebook that ran to "
                "its end has one."
            )
        _check_newest(lab, run)
        content = b"".join(self._runs.content(self._runs.notebook(run)))
        with tools.locks.hold(lab.uid):
            lab = lab_to(Action.EDIT, tools, self._viewer, lab.owner, lab.name)
            _check_newest(lab, run)
            newest = RevisionService(tools=tools, viewer=self._viewer).find(lab)
            with tools.repos.writing(lab.store):
                blob = tools.repos.add_blob(lab.store, BytesIO(content), len(content))
            entries = tuple(
                FileEntry(run.path, len(content), sha256(content).hexdigest(), blob, one.executable)
                if one.path == run.path
                else one
                for one in tools.repos.manifest(lab.store, newest.commit)
            )
            if tools.repos.same_files(lab.store, newest.commit, entries):
                return newest, False
            revision = next_revision.add(
                tools,
                lab,
                newest,
                entries,
                author=author.name,
                message=message,
                face=next_revision.checked(tools, lab.store, entries),
            )
            return revision, True


def _has_whole(run: Run) -> bool:
    is_notebook = run.kind is RunKind.NOTEBOOK and bool(run.notebook)
    return is_notebook and run.state is RunState.FINISHED


def _check_newest(lab: Lab, run: Run) -> None:
    if run.revision != lab.revision:
        raise StaleRevision(
            f"{run.called} executed r{run.revision}, and r{lab.revision} was published since. "
            f"Run r{lab.revision}, then publish that run; the notebook of this one can be "
            "downloaded."
        )
