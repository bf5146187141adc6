"""What a run's own container may do: show its code, read its files, write its log and outputs."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from machinelabs_hub.errors import NotAllowed, NotFound, TooLarge
from machinelabs_hub.labs.models.gpus import GpuUse
from machinelabs_hub.labs.models.inputs import RunInput
from machinelabs_hub.labs.models.paths import BadPath, fault_of
from machinelabs_hub.labs.models.run import Reason, Run, RunOutput, RunState
from machinelabs_hub.labs.models.tracking import KINDS
from machinelabs_hub.labs.services import needs, run_ends, run_inputs
from machinelabs_hub.labs.services.inputs import Standing
from machinelabs_hub.labs.services.revisions import packed
from machinelabs_hub.labs.services.run_mounts import RunMount, mounts_of
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.blobs import BlobWriter
from machinelabs_hub.labs.storage.run_events import Event
from machinelabs_hub.names import shown

MIB: Final = 1 << 20
_LONGEST_LINE: Final = 4000
_MOST_LINES: Final = 200


class BadCode(NotAllowed):
    """A run's code that is wrong, used, or too late."""

    code = "bad_code"

    def __init__(self) -> None:
        super().__init__("This code is not of this run, was used already, or is too old.")


class BadRunToken(NotAllowed):
    """A token that is not of this run, or not any more."""

    code = "bad_run_token"

    def __init__(self) -> None:
        super().__init__("This token is not of this run, or the run is over.")


class RunFilesGone(NotFound):
    """The revision of a run cannot be read any more."""

    code = "run_files_gone"


class OutputsTooLarge(TooLarge):
    """A run puts out more than it, or its person, may keep."""

    code = "outputs_too_large"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a container is told when it shows its code."""

    run: Run
    inputs: tuple[RunInput, ...]
    mounts: tuple[RunMount, ...]
    most_bytes: int
    most_files: int


class RunnerService:
    """Runs as their own containers see them; each of them only its own."""

    def __init__(self, *, tools: Tools) -> None:
        self._tools = tools

    def exchange(self, run_id: int, code: str, token: str) -> Exchange:
        """Take the code of a run for the token that its container wants, once.

        The same code with the same token says the same again: an answer may be lost on its way.

        Raises:
            BadCode: it is wrong, was used with another token, or the run is over.
        """
        tools, now = self._tools, self._tools.clock()
        known = {"code_hash": digest(code), "token_hash": digest(token)}
        run = tools.runs.of_code(run_id, **known)
        if run is not None and tools.runs.exchange(run, **known, at=now):
            tools.bells.ring(run_id)
        # Where it was not, it may be so already, with the same token.
        run = tools.runs.of_code(run_id, **known)
        if run is None or run.state is not RunState.RUNNING:
            raise BadCode
        tools.contacts.hear(run_id)
        limits = tools.settings.runs
        inputs = tools.run_inputs.all(run)
        mounts = mounts_of(tools, run)
        return Exchange(run, inputs, mounts, limits.output_mib * MIB, limits.output_files)

    def run_of(self, run_id: int, token: str) -> Run:
        """Return the run that a container is of, and note that it was heard of.

        Raises:
            BadRunToken: the token is not of this run.
        """
        tools = self._tools
        run = tools.runs.of_token(run_id, digest(token)) if token else None
        if run is None:
            raise BadRunToken
        tools.contacts.hear(run_id)
        if run.silent_since is not None and tools.runs.set_silent(run, None):
            tools.bells.ring(run_id)
            return replace(run, silent_since=None)
        return run

    def files(self, run: Run) -> Iterator[bytes]:
        """Return the files of the run's revision as a tar, piece by piece.

        Raises:
            RunFilesGone: the lab was purged.
        """
        lab = self._tools.runs.lab_of(run)
        revision = None if lab is None else self._tools.revisions.find(lab, run.revision)
        if lab is None or revision is None:
            raise RunFilesGone(f"r{run.revision} of {run.lab} was deleted.")
        return packed(self._tools, lab, revision)

    def ask_input(self, run: Run, name: str) -> Standing:
        """Tell how far an input is; one that is not here begins to be fetched.

        Raises:
            NoInput: the run has none of this name.
        """
        return run_inputs.ask(self._tools, run, name)

    def input(self, run: Run, name: str) -> RunOutput:
        """Return an input that is here, as a file.

        Raises:
            NoInput: the run has none of this name.
            InputNotReady: it is not here, or not any more.
        """
        return run_inputs.content_of(self._tools, run, name)

    def read_input(self, run: Run, file: RunOutput, *, start: int, size: int) -> Iterator[bytes]:
        """Return a part of an input, piece by piece."""
        return run_inputs.read(self._tools, run, file, start, size)

    def add(self, run: Run, first: int, events: Sequence[Event]) -> tuple[int, bool]:
        """Store a part of the log; return the number of the next event, and whether to stop.

        Raises:
            EventGap: events before `first` are missing; it says which one comes next.
        """
        tools = self._tools
        following = tools.events.append(run.id, first, events)
        measured = [event for event in events if event["kind"] in KINDS]
        if measured:
            # What was stored before a crash and is not in the tables yet comes again.
            tools.tracks.take(run.id, measured)
        needs.note(tools, run.id, events)
        if events:
            tools.bells.ring(run.id, state=False)
            tools.run_logs.grow(run)
        is_over = run.state.is_final and not run.is_held(tools.clock())
        return following, run.stop_at is not None or is_over

    def door_key(self, run: Run) -> str:
        """Return the hash of the key that the run's person was given; empty: of none."""
        return self._tools.door_keys.hash_of(run.id)

    def gpu_use(self, run: Run) -> GpuUse | None:
        """Return what the run does on its GPUs now; None: it has none, or nobody knows."""
        return self._tools.gpu_uses.get(run.id)

    def is_log_full(self, run: Run) -> bool:
        """Tell whether the run need not send any more of what it prints."""
        return self._tools.events.is_full(run.id)

    def room(self, run: Run, path: str, announced: int) -> int:
        """Return how many bytes an output may have; `announced` are to come (0: not known).

        Raises:
            BadPath: no output is called so.
            OutputsTooLarge: it finds no room.
        """
        self._check_path(path)
        tools, limits = self._tools, self._tools.settings.runs
        held = tools.run_outputs.held(run, but=path)
        if held.files >= limits.output_files:
            raise OutputsTooLarge(
                f"“{shown(path, 120)}” is not kept: a run may put out {limits.output_files} files."
            )
        left = limits.output_mib * MIB - held.size
        if limits.person_gib:
            theirs = (limits.person_gib << 30) - tools.run_outputs.held_by(run.person)
            if theirs < left:
                left = theirs
                why = f"the outputs of {run.person}'s runs hold {limits.person_gib} GiB together"
                return self._fits(path, announced, left, f"{why}, the most that they may.")
        return self._fits(
            path, announced, left, f"the outputs of a run may hold {limits.output_mib} MiB."
        )

    def writer(self) -> BlobWriter:
        """Begin a content; what is not kept of it is gone at the end of its context."""
        return self._tools.blobs.writer()

    def too_large(self, path: str) -> OutputsTooLarge:
        """Return the refusal of an output that grows beyond its room."""
        return OutputsTooLarge(f"“{shown(path, 120)}” is not kept: there is no room for all of it.")

    def keep(self, run: Run, path: str, content: BlobWriter, announced: str) -> RunOutput:
        """Keep an output that is whole.

        Raises:
            BadDigest: it is not the one that was announced.
        """
        tools = self._tools
        sha256, at = content.sha256, tools.clock()
        with tools.blobs.kept(sha256):
            content.keep(announced)
            return tools.run_outputs.put(run, path, size=content.size, sha256=sha256, at=at)

    def drop(self, run: Run, path: str) -> None:
        """Forget an output; upkeep removes its content where nothing else has it."""
        self._tools.run_outputs.drop(run, path)

    def keep_notebook(self, run: Run, content: BlobWriter, announced: str) -> None:
        """Keep the executed notebook.

        Raises:
            BadDigest: it is not the one that was announced.
        """
        sha256 = content.sha256
        with self._tools.blobs.kept(sha256):
            content.keep(announced)
            self._tools.runs.set_notebook(run, sha256, content.size)
        self._tools.bells.ring(run.id)

    @property
    def notebook_bytes(self) -> int:
        """How large an executed notebook may be: as a lab's, and what it shows besides."""
        return 2 * self._tools.settings.limits.notebook_mib * MIB

    def end(self, run: Run, state: RunState, reason: Reason | None, *, holds: bool = False) -> Run:
        """Put a run into its final state; one that is in one stays there.

        Args:
            run: the run.
            state: how it ended.
            reason: why.
            holds: whether its container has something left to look into.
        """
        tools, now = self._tools, self._tools.clock()
        is_held = holds and run.is_to_hold and state is RunState.FAILED and run.stop_at is None
        minutes = tools.settings.runs.hold_minutes if is_held else 0
        until = now + timedelta(minutes=minutes) if minutes else None
        if state is RunState.STOPPED:
            reason = run_ends.stopped(tools, run)
        if tools.runs.end(run, state, reason and _clean(reason), now, held_until=until):
            tools.bells.ring(run.id)
        return tools.runs.get(run.id) or run

    def held_seconds(self, run: Run) -> float:
        """Return how long the container of a run that is over is still to be held."""
        left = run.held_until - self._tools.clock() if run.held_until else timedelta()
        return max(left.total_seconds(), 0.0)

    def _fits(self, path: str, announced: int, left: int, why: str) -> int:
        if left <= 0 or announced > left:
            raise OutputsTooLarge(f"“{shown(path, 120)}” is not kept: {why}")
        return left

    def _check_path(self, path: str) -> None:
        fault = fault_of(path)
        if fault:
            raise BadPath(f"The output “{shown(path, 120)}” cannot be kept: {fault}")


def digest(secret: str) -> str:
    """Return the hash by which a code or a token is known."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _clean(reason: Reason) -> Reason:
    """Return a reason that fits into a row, whatever the program said."""
    return Reason(
        sentence=_text(reason.sentence),
        cell=reason.cell,
        code=_text(reason.code),
        ename=_text(reason.ename),
        evalue=_text(reason.evalue),
        traceback=tuple(_text(line) for line in reason.traceback[-_MOST_LINES:]),
    )


def _text(text: str) -> str:
    text = text.encode("utf-8", "replace").decode().replace("\0", "\\0")
    return text if len(text) <= _LONGEST_LINE else f"{text[: _LONGEST_LINE - 1]}…"
