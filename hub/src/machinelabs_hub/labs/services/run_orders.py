"""What an order of a run comes to: which revision, file, image and size, with which values."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

from machinelabs_hub.errors import BadInput, NotFound
from machinelabs_hub.labs.models.config import NAME, LabConfig, read_config
from machinelabs_hub.labs.models.dataset import Mount, Use
from machinelabs_hub.labs.models.declared import asked_of
from machinelabs_hub.labs.models.entrypoint import entrypoint_of
from machinelabs_hub.labs.models.inputs import Input, RunInput
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.needs import Needs
from machinelabs_hub.labs.models.parameter_cell import parameters_of
from machinelabs_hub.labs.models.parameters import Parameter, values_of
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.models.run import RunDraft, RunKind, kind_of
from machinelabs_hub.labs.services.needs import measured, size_for
from machinelabs_hub.labs.services.revisions import RevisionService
from machinelabs_hub.labs.services.run_inputs import Sources, check_names, resolve, uses_of
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.names import shown
from machinelabs_hub.plans.budgets import Budgets
from machinelabs_hub.plans.policy import check_start
from machinelabs_hub.plans.usage import UsageTable

RUNNABLE: Final = (".ipynb", ".py")


class NoEntrypoint(NotFound):
    """The revision has no file to run, or not the one that was asked for."""

    code = "no_entrypoint"


class NotRunnable(BadInput):
    """The file is neither a notebook nor a Python script."""

    code = "not_runnable"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """An order with all that it left open filled in."""

    revision: int
    path: str
    image: str
    image_id: str
    flavour: str
    parameters: dict[str, Any]
    inputs: tuple[RunInput, ...]
    datasets: tuple[Use, ...]


def plan(tools: Tools, person: Person, lab: Lab, draft: RunDraft, sources: Sources) -> RunPlan:
    """Return what `person` is to get for an order, or refuse it; `sources` are theirs."""
    found = prepare(tools, person, lab, draft)
    given = values_of(
        found.parameters, draft.parameters, script=kind_of(found.path) is RunKind.SCRIPT
    )
    catalog = tools.catalog()
    image = catalog.image(draft.image or found.image)
    flavour = catalog.flavour(draft.flavour or found.flavour)
    check_plan(tools, person, flavour.name)
    build = catalog.builds.get(image.name)
    return RunPlan(
        revision=found.revision,
        path=found.path,
        image=image.name,
        image_id=build.id if build else "",
        flavour=flavour.name,
        parameters=given,
        inputs=resolve(tools, found.inputs, sources),
        datasets=uses_of(found.inputs, found.mounts, sources),
    )


@dataclass(frozen=True, slots=True)
class RunForm:
    """What an order begins with: what the lab says, and what can be chosen.

    Attributes:
        path: the notebook or script that is run.
        files: all notebooks and scripts of the revision.
        image: what the lab asks for, or the site's default.
        parameters: what the file takes.
        inputs: what `ml.yaml` asks for, as `mounts`.
        needs: what the lab's last runs of this file needed; None: nobody knows.
    """

    revision: int
    path: str
    files: tuple[str, ...]
    image: str
    flavour: str
    parameters: tuple[Parameter, ...]
    inputs: tuple[Input, ...]
    mounts: tuple[Mount, ...] = ()
    needs: Needs | None = None


def prepare(tools: Tools, viewer: Person | None, lab: Lab, draft: RunDraft) -> RunForm:
    """Return what an order of a revision begins with.

    Raises:
        NoRevision: the lab has none of this number, or none that the viewer may read.
        NoEntrypoint: the revision has no such file, or none to begin with.
        NotRunnable: the file is neither a notebook nor a script.
        BadConfig: the `ml.yaml` of the revision cannot be used.
        ClashingPaths: an input would lie where the lab has a file.
    """
    revision = RevisionService(tools=tools, viewer=viewer).find(lab, draft.revision or "latest")
    entries = tools.repos.manifest(lab.store, revision.commit)
    said = _said(tools, lab, revision, entries)
    paths = [entry.path for entry in entries]
    first = entrypoint_of(paths, said.entrypoint) or ""
    path = draft.path or first
    entry = next((entry for entry in entries if entry.path == path), None)
    files = tuple(one for one in paths if PurePosixPath(one).suffix in RUNNABLE)
    if entry is None:
        raise NoEntrypoint(
            f"{lab.path} has no file “{shown(path)}” in r{revision.number}."
            if path
            else f"r{revision.number} of {lab.path} has neither a notebook nor a Python script, so "
            "there is nothing to run. Publish one."
        )
    if path not in files:
        raise NotRunnable(
            f"“{shown(path)}” cannot be run: only notebooks (.ipynb) and Python scripts (.py) can."
        )
    check_names(said.inputs, said.mounts, path, paths)
    servers = tools.settings.servers
    sized = size_for(tools, viewer, lab) if path == lab.entrypoint else ""
    return RunForm(
        revision=revision.number,
        path=path,
        files=files,
        image=said.image or servers.default_image,
        flavour=said.flavour or sized or servers.default_flavour,
        parameters=_parameters(tools, lab, entry, said if path == first else LabConfig()),
        inputs=said.inputs,
        mounts=said.mounts,
        needs=measured(tools, viewer, lab) if path == lab.entrypoint else None,
    )


def check_plan(tools: Tools, person: Person, flavour: str) -> None:
    """Refuse what the person's plan does not give them at any time, or not now.

    How many run at once is no reason: a run waits for that.
    """
    standing, now = person.plan_standing, tools.clock()
    budgets = Budgets(plans=tools.settings.plans, usage=UsageTable(sessions=tools.sessions))
    budget = budgets.of(person.name, groups=standing.groups, is_admin=standing.is_admin, now=now)
    check_start(budget, tools.catalog().flavour(flavour), servers=None, now=now)


def _said(tools: Tools, lab: Lab, revision: Revision, entries: tuple[FileEntry, ...]) -> LabConfig:
    """Return what a revision asks for: its own `ml.yaml`, then what its owner set for the lab."""
    entry = next((entry for entry in entries if entry.path == NAME), None)
    said = LabConfig()
    if entry is not None:
        said = read_config(tools.repos.read(lab.store, entry.blob), tools.catalog())
    if revision.number == lab.revision:
        image, flavour = lab.image or said.image, lab.flavour or said.flavour
    else:
        image, flavour = said.image or lab.image, said.flavour or lab.flavour
    return replace(said, image=image, flavour=flavour)


def _parameters(tools: Tools, lab: Lab, entry: FileEntry, said: LabConfig) -> tuple[Parameter, ...]:
    """Return what a file takes; `said` is of the lab's entry point."""
    if kind_of(entry.path) is RunKind.SCRIPT:
        return asked_of(said.parameters, ())
    cell = parameters_of(entry.path, tools.repos.read(lab.store, entry.blob))
    return asked_of(said.parameters, cell)
