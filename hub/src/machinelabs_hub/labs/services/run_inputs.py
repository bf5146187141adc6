"""What a run finds in `inputs/`: allowed when it is ordered, here before its code begins."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from machinelabs_hub.errors import NotFound
from machinelabs_hub.labs.models.inputs import FOLDER, Input, RunFile, RunInput
from machinelabs_hub.labs.models.paths import check_together
from machinelabs_hub.labs.models.run import Run, RunOutput
from machinelabs_hub.labs.services.inputs import InputWrongHash, Standing, ready, refused
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.names import shown

Finder = Callable[[RunFile], RunOutput]


class NoInput(NotFound):
    """An input that is not there, or that this person may not read."""

    code = "no_input"


class InputNotReady(NotFound):
    """An input that has to be asked for first."""

    code = "input_not_ready"


def check_names(wanted: Iterable[Input], path: str, files: Iterable[str]) -> None:
    """Refuse inputs that would lie where the lab has a file.

    Args:
        wanted: the inputs.
        path: the notebook or script that is run; `inputs/` lies beside it.
        files: of the revision.

    Raises:
        ClashingPaths: names both.
    """
    beside = PurePosixPath(path).parent / FOLDER
    check_together((*files, *(str(beside / one.name) for one in wanted)))


def resolve(tools: Tools, wanted: Iterable[Input], find: Finder) -> tuple[RunInput, ...]:
    """Return inputs as a run has them, or refuse them.

    Of another run's file the content is fixed here: who runs may read it now.

    Args:
        tools: the parts.
        wanted: what the lab's `ml.yaml` asks for.
        find: gives a file of a run, if the person who orders may read it.

    Raises:
        NoInput: another run's file is not there, or not theirs to read.
        InputWrongHash: it is not what the lab says.
        InputNotAllowed: it is on a host that the site does not allow.
    """
    found = []
    for one in wanted:
        file = one.run_file
        if file is None:
            tools.inputs.outside.check(one.url)
            found.append(RunInput(one.name, one.url, one.sha256, "", 0))
            continue
        output = _output(one, file, find)
        if one.sha256 and one.sha256 != output.sha256:
            raise InputWrongHash(
                f"“{shown(one.url, 200)}” is not what ml.yaml says: its SHA-256 is "
                f"{output.sha256}, and should be {one.sha256}."
            )
        found.append(RunInput(one.name, one.url, one.sha256, output.sha256, output.size))
    return tuple(found)


def ask(tools: Tools, run: Run, name: str) -> Standing:
    """Tell how far an input of a run is; it begins to be fetched."""
    wanted = _input(tools, run, name)
    if wanted.is_of_run:
        if tools.blobs.has(wanted.sha256, wanted.size):
            return ready(wanted.sha256, wanted.size, is_kept=True)
        return refused(NoInput(f"“{shown(wanted.url, 200)}” cannot be read any more."))
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
    held = tools.blobs if wanted.is_of_run else tools.fetched
    if not wanted.sha256 or not held.has(wanted.sha256, wanted.size):
        raise InputNotReady(f"The input “{shown(name)}” is not here. Ask for it first.")
    if not wanted.is_of_run:
        tools.fetched.use(wanted.url, tools.clock())
    return RunOutput(name, wanted.size, wanted.sha256, run.created_at)


def read(tools: Tools, run: Run, file: RunOutput, start: int, size: int) -> Iterator[bytes]:
    """Return a part of an input, piece by piece."""
    if _input(tools, run, file.path).is_of_run:
        return tools.blobs.read(file.sha256, start=start, size=size)
    return tools.fetched.read(file.sha256, start=start, size=size)


def _input(tools: Tools, run: Run, name: str) -> RunInput:
    found = tools.run_inputs.find(run, name)
    if found is None:
        raise NoInput(f"{run.called} has no input “{shown(name)}”.")
    return found


def _output(wanted: Input, file: RunFile, find: Finder) -> RunOutput:
    try:
        return find(file)
    except NotFound as error:
        raise NoInput(
            f"The input “{shown(wanted.name)}” ({shown(wanted.url, 200)}) cannot be had: {error}"
        ) from error
