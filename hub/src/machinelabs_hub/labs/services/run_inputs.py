"""What a run finds in `inputs/`: allowed when it is ordered, here before its code begins."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TypeVar

from machinelabs_hub.errors import NotFound
from machinelabs_hub.labs.models.dataset import (
    Address,
    DatasetFile,
    FileAddress,
    Mount,
    Use,
    Version,
    read_file_address,
)
from machinelabs_hub.labs.models.inputs import FOLDER, Input, RunFile, RunInput
from machinelabs_hub.labs.models.mounts import check_free
from machinelabs_hub.labs.models.paths import check_together
from machinelabs_hub.labs.models.run import Run, RunOutput
from machinelabs_hub.labs.services.inputs import InputWrongHash, Standing, ready, refused
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.names import shown

_A = TypeVar("_A")
_F = TypeVar("_F")


@dataclass(frozen=True, slots=True)
class Sources:
    """What of the site somebody may give to a run; each refuses with a `NotFound`."""

    output: Callable[[RunFile], RunOutput]
    version: Callable[[Address], Version]
    file: Callable[[FileAddress], DatasetFile]


class NoInput(NotFound):
    """An input that is not there, or that this person may not read."""

    code = "no_input"


class InputNotReady(NotFound):
    """An input that has to be asked for first."""

    code = "input_not_ready"


def check_names(
    wanted: Iterable[Input], mounts: Iterable[Mount], path: str, files: Iterable[str]
) -> None:
    """Refuse inputs and mounts that would lie where the lab has a file.

    Args:
        wanted: the inputs.
        mounts: the datasets.
        path: the notebook or script that is run; `inputs/` lies beside it.
        files: of the revision.

    Raises:
        ClashingPaths: names both.
    """
    beside = PurePosixPath(path).parent
    paths = (*files, *(str(beside / FOLDER / one.name) for one in wanted))
    check_together(paths)
    check_free(mounts, "" if str(beside) == "." else str(beside), paths)


def resolve(tools: Tools, wanted: Iterable[Input], sources: Sources) -> tuple[RunInput, ...]:
    """Return inputs as a run has them, or refuse them.

    Of what the site itself has the content is fixed here: who runs may read it now.

    Args:
        tools: the parts.
        wanted: what the lab's `ml.yaml` asks for.
        sources: what the person who orders may read.

    Raises:
        NoInput: another run's file, or a dataset's, is not there, or not theirs to read.
        InputWrongHash: it is not what the lab says.
        InputNotAllowed: it is on a host that the site does not allow.
    """
    found = []
    for one in wanted:
        held = _held(one, sources)
        if held is None:
            tools.inputs.outside.check(one.url)
            found.append(RunInput(one.name, one.url, one.sha256, "", 0))
            continue
        if one.sha256 and one.sha256 != held.sha256:
            raise InputWrongHash(
                f"“{shown(one.url, 200)}” is not what ml.yaml says: its SHA-256 is "
                f"{held.sha256}, and should be {one.sha256}."
            )
        found.append(RunInput(one.name, one.url, one.sha256, held.sha256, held.size))
    return tuple(found)


def uses_of(wanted: Iterable[Input], mounts: Iterable[Mount], sources: Sources) -> tuple[Use, ...]:
    """Return the versions of datasets that a run uses, those that it mounts first.

    Raises:
        NoInput: one is not there, or not theirs to read who orders the run.
    """
    mounted = [
        Use(str(one.dataset), _told(str(one.dataset), sources.version, one.dataset).id, one.at)
        for one in mounts
    ]
    files = (read_file_address(one.url) for one in wanted)
    named = dict.fromkeys(file.of for file in files if file)
    used = [Use(str(one), _told(str(one), sources.version, one).id) for one in named]
    return (*mounted, *used)


def told(one: RunInput, sources: Sources) -> RunInput:
    """Return an input as somebody may know of it: a dataset's that they may not read is bare."""
    if (file := read_file_address(one.url)) is not None:
        try:
            sources.file(file)
        except NotFound:
            return replace(one, sha256="", size=0)
    return one


def ask(tools: Tools, run: Run, name: str) -> Standing:
    """Tell how far an input of a run is; it begins to be fetched."""
    wanted = _input(tools, run, name)
    if wanted.is_ours:
        if tools.blobs.has(wanted.sha256, wanted.size):
            return ready(wanted.sha256, wanted.size, is_kept=True)
        return refused(
            NoInput(f"“{shown(wanted.url, 200)}” cannot be read any more. Tell an admin.")
        )
    if wanted.sha256 and tools.fetched.has(wanted.sha256, wanted.size):
        return ready(wanted.sha256, wanted.size, is_kept=True)
    standing = tools.inputs.ask(wanted.url, wanted.asked)
    if standing.sha256:
        tools.run_inputs.set_content(run, name, sha256=standing.sha256, size=standing.total)
    return standing


def content_of(tools: Tools, run: Run, name: str) -> RunOutput:
    """Return an input that is here, as a file.

    Raises:
        NoInput: the run has none of this name.
        InputNotReady: it is not here, or not any more.
    """
    wanted = _input(tools, run, name)
    held = tools.blobs if wanted.is_ours else tools.fetched
    if not wanted.sha256 or not held.has(wanted.sha256, wanted.size):
        raise InputNotReady(f"The input “{shown(name)}” is not here. Ask for it first.")
    if not wanted.is_ours:
        tools.fetched.use(wanted.url, tools.clock())
    return RunOutput(name, wanted.size, wanted.sha256, run.created_at)


def read(tools: Tools, run: Run, file: RunOutput, start: int, size: int) -> Iterator[bytes]:
    """Return a part of an input, piece by piece."""
    if _input(tools, run, file.path).is_ours:
        return tools.blobs.read(file.sha256, start=start, size=size)
    return tools.fetched.read(file.sha256, start=start, size=size)


def _input(tools: Tools, run: Run, name: str) -> RunInput:
    found = tools.run_inputs.find(run, name)
    if found is None:
        raise NoInput(f"{run.called} has no input “{shown(name)}”.")
    return found


def _held(wanted: Input, sources: Sources) -> RunOutput | DatasetFile | None:
    """Return the content that the site itself has; None: it comes from the web."""
    called = f"{wanted.name} ({shown(wanted.url, 200)})"
    if (output := wanted.run_file) is not None:
        return _told(called, sources.output, output)
    if (file := read_file_address(wanted.url)) is not None:
        return _told(called, sources.file, file)
    return None


def _told(called: str, find: Callable[[_A], _F], address: _A) -> _F:
    try:
        return find(address)
    except NotFound as error:
        raise NoInput(f"“{shown(called, 300)}” cannot be had: {error}") from error
