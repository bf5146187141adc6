"""A run: one execution of one revision of a lab, its states, and why it ended. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from machinelabs_hub.labs.models.notebooks import SUFFIX


class RunState(StrEnum):
    """How far a run is; the last four are final and never change."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        """Whether it is over."""
        return self in {RunState.FINISHED, RunState.FAILED, RunState.STOPPED, RunState.LOST}


class RunKind(StrEnum):
    """What is executed."""

    NOTEBOOK = "notebook"
    SCRIPT = "script"


def kind_of(path: str) -> RunKind:
    """Return what a file is executed as."""
    return RunKind.NOTEBOOK if path.endswith(SUFFIX) else RunKind.SCRIPT


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run ended as it did.

    Attributes:
        cell: the index of the cell that failed; None: no cell did.
        code: of the refusal that ended it, for programs; empty: none did.
        ename: the Python exception, such as `ValueError`.
        traceback: its lines, with ANSI colours.
    """

    sentence: str
    cell: int | None = None
    ename: str = ""
    evalue: str = ""
    traceback: tuple[str, ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class RunChange:
    """One change of state."""

    state: RunState
    at: datetime
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class RunDraft:
    """What somebody asks to be run; what is None or empty is taken from the lab.

    Attributes:
        revision: None: the newest.
        path: the notebook or script; empty: the lab's entry point.
        parameters: text is read as the type that the notebook declares.
    """

    revision: int | None = None
    path: str = ""
    image: str = ""
    flavour: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    note: str = ""
    hold: bool = False
    """Whether its container is to be held for a while if it fails."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its row has it.

    Attributes:
        id: of the whole site; names its server (`run-ID`) and its log.
        number: within its lab.
        lab: `owner/name` of its lab now.
        person: whose hours and whose server it is.
        image_id: the site's build of the image, `sha256:…`; empty: not known.
        is_settled: its state is final and its server is gone for certain.
        started_at: when the Hub took it.
        running_at: when its container began.
        silent_since: since when nobody can know how it is; None: one knows.
        stop_at: when it was ordered to stop; `stop_by` says by whom (empty: the site).
        is_to_hold: whether its container is to be held for a while if it fails.
        held_until: until when it is; None: it did not fail so.
        notebook: the blob of the executed notebook; empty: there is none.
        hidden_at: when it was deleted; None: it was not.
    """

    id: int
    lab_id: int
    number: int
    lab: str
    person: str
    name: str
    note: str
    revision: int
    path: str
    image: str
    image_id: str
    flavour: str
    parameters: dict[str, Any]
    state: RunState
    is_settled: bool
    created_at: datetime
    started_at: datetime | None
    running_at: datetime | None
    ended_at: datetime | None
    silent_since: datetime | None
    stop_at: datetime | None
    stop_by: str
    reason: Reason | None
    is_to_hold: bool
    held_until: datetime | None
    notebook: str
    notebook_bytes: int
    hidden_at: datetime | None

    @property
    def kind(self) -> RunKind:
        """What it executes."""
        return kind_of(self.path)

    @property
    def called(self) -> str:
        """`owner/name#12`."""
        return f"{self.lab}#{self.number}"

    @property
    def draft(self) -> RunDraft:
        """What one would ask for to have it once more."""
        return RunDraft(
            revision=self.revision,
            path=self.path,
            image=self.image,
            flavour=self.flavour,
            parameters=dict(self.parameters),
            name=self.name,
            hold=self.is_to_hold,
        )

    def is_held(self, now: datetime) -> bool:
        """Tell whether it is over, and its container waits for its person to look into it."""
        if self.held_until is None or self.is_settled or self.stop_at is not None:
            return False
        return now < self.held_until

    @property
    def is_out_of_contact(self) -> bool:
        """Whether nobody can know now how it is."""
        return self.silent_since is not None and not self.state.is_final


@dataclass(frozen=True, slots=True)
class RunOutput:
    """A file that a run put out; `sha256` names its content."""

    path: str
    size: int
    sha256: str
    created_at: datetime

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Held:
    """How much a run put out, its executed notebook left out."""

    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Story:
    """What is told of a run besides its row."""

    held: Held
    changes: tuple[RunChange, ...]
    """Of its state, the first first."""


@dataclass(frozen=True, slots=True)
class RunRights:
    """What somebody may do with a run now."""

    stop: bool
    edit: bool
    """Rename, note, delete and restore it."""
