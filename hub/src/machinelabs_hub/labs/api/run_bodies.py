"""The JSON of runs that people and their programs take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import Page
from machinelabs_hub.labs.models.run import Run, RunChange, RunDraft, RunOutput, Story
from machinelabs_hub.labs.services.run_orders import RunForm

StateName = Literal["queued", "starting", "running", "finished", "failed", "stopped", "lost"]
Parameters = Annotated[
    dict[str, Any],
    Field(
        description="Values by name; text is read as the type that the notebook or ml.yaml says.",
        examples=[{"epochs": 3, "rate": 0.1}],
    ),
]


class _Taken(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class RunDraftBody(_Taken):
    """What is to be run; what is left out is taken from the lab."""

    revision: Annotated[int | None, Field(ge=1, lt=2**31, description="Left out: the newest.")] = (
        None
    )
    path: Annotated[
        str, Field(max_length=1000, description="A notebook or a script. Empty: the entry point.")
    ] = ""
    image: Annotated[str, Field(max_length=100, description="Empty: the lab's.")] = ""
    flavour: Annotated[str, Field(max_length=100, description="Empty: the lab's.")] = ""
    parameters: Parameters = {}
    name: Annotated[str, Field(max_length=1000)] = ""
    note: Annotated[str, Field(max_length=20_000)] = ""
    hold: Annotated[
        bool,
        Field(description="Hold its container for a while if it fails, so that you can look in."),
    ] = False

    def draft(self) -> RunDraft:
        """Return it as the services take it."""
        return RunDraft(
            revision=self.revision,
            path=self.path,
            image=self.image,
            flavour=self.flavour,
            parameters=self.parameters,
            name=self.name,
            note=self.note,
            hold=self.hold,
        )


class RunChangeBody(_Taken):
    """What somebody says of a run; null leaves it as it is."""

    name: Annotated[str | None, Field(max_length=1000)] = None
    note: Annotated[str | None, Field(max_length=20_000)] = None


class RunParameterBody(BaseModel):
    """A value that a notebook, or a script of which `ml.yaml` says so, takes."""

    name: str
    kind: Literal["text", "integer", "number", "flag", "list", "mapping", "any"]
    default: Any
    source: Annotated[str, Field(description="The default as it is written.")]
    choices: list[Any]
    may_be_none: bool
    what: Annotated[str, Field(description="What is said of it.")]
    is_set: Annotated[
        bool, Field(description="A run gets the default also where nothing is said: ml.yaml's.")
    ]


class NeedsBody(BaseModel):
    """What the lab's last runs of this file needed, with its own values."""

    memory_mib: Annotated[int, Field(description="The most at a moment.")]
    gpu_memory_mib: Annotated[int, Field(description="0: no GPU, or not known.")]
    seconds: Annotated[float, Field(description="The median.")]
    runs: Annotated[int, Field(description="So many were measured.")]


class RunFormBody(BaseModel):
    """What an order of a run begins with."""

    revision: int
    path: str
    files: Annotated[list[str], Field(description="All that can be run.")]
    image: str
    flavour: str
    parameters: list[RunParameterBody]
    needs: Annotated[NeedsBody | None, Field(description="null: nobody knows.")]

    @classmethod
    def of(cls, form: RunForm) -> Self:
        """Return the JSON of a form."""
        return cls(
            revision=form.revision,
            path=form.path,
            files=list(form.files),
            image=form.image,
            flavour=form.flavour,
            needs=form.needs
            and NeedsBody(
                memory_mib=form.needs.memory_mib,
                gpu_memory_mib=form.needs.gpu_memory_mib,
                seconds=form.needs.seconds,
                runs=form.needs.runs,
            ),
            parameters=[
                RunParameterBody.model_validate(
                    {
                        "name": one.name,
                        "kind": one.kind.value,
                        "default": one.default,
                        "source": one.source,
                        "choices": list(one.choices),
                        "may_be_none": one.may_be_none,
                        "what": one.what,
                        "is_set": one.is_set,
                    }
                )
                for one in form.parameters
            ],
        )


class ReasonBody(BaseModel):
    """Why a run ended as it did."""

    sentence: str
    code: Annotated[
        str, Field(description="Of the refusal that ended it: of an input, of the hub. Else empty.")
    ]
    cell: Annotated[int | None, Field(description="The index of the cell that failed.")]
    ename: Annotated[str, Field(description="The Python exception, if one ended it.")]
    evalue: str
    traceback: Annotated[list[str], Field(description="Its lines, with ANSI colours.")]


class StateBody(BaseModel):
    """One change of a run's state."""

    state: StateName
    at: datetime
    sentence: str

    @classmethod
    def of(cls, change: RunChange) -> Self:
        """Return the JSON of a change."""
        return cls.model_validate(
            {"state": change.state.value, "at": change.at, "sentence": change.sentence}
        )


class RunRightsBody(BaseModel):
    """What the asker may do with a run now."""

    stop: bool
    look_in: Annotated[bool, Field(description="Open its kernel in JupyterLab.")]
    edit: Annotated[bool, Field(description="Rename, note, delete and restore it.")]


class RunOutputsSumBody(BaseModel):
    """How much a run put out."""

    files: int
    size_bytes: int


class RunBody(BaseModel):
    """One execution of one revision of a lab."""

    id: Annotated[int, Field(description="Of the whole site.")]
    number: Annotated[int, Field(description="Within its lab.")]
    lab: Annotated[str, Field(description="`owner/name`.")]
    url: Annotated[str, Field(description="Its page.")]
    state: StateName
    is_final: bool
    out_of_contact: Annotated[bool, Field(description="Nobody can know now how it is.")]
    waits: Annotated[
        str, Field(description="What it waits for, in a sentence, for who may stop it; else empty.")
    ]
    person: Annotated[str, Field(description="Who started it.")]
    name: str
    note: str
    revision: int
    path: str
    kind: Literal["notebook", "script"]
    image: str
    image_id: Annotated[str, Field(description="The site's build of it; empty: not known.")]
    flavour: str
    parameters: dict[str, Any]
    created_at: datetime
    started_at: Annotated[datetime | None, Field(description="When the hub took it.")]
    running_at: Annotated[datetime | None, Field(description="When its container began.")]
    ended_at: datetime | None
    stop_at: Annotated[datetime | None, Field(description="When it was ordered to stop.")]
    stop_by: Annotated[str, Field(description="By whom; empty: by the site.")]
    hidden_at: Annotated[datetime | None, Field(description="When it was deleted.")]
    held_until: Annotated[
        datetime | None,
        Field(description="It failed, and its container is held so long, for its person."),
    ]
    reason: ReasonBody | None
    has_notebook: Annotated[bool, Field(description="The executed notebook can be read.")]
    outputs: RunOutputsSumBody
    states: Annotated[list[StateBody], Field(description="All changes, the first first.")]
    may: RunRightsBody

    @classmethod
    def of(cls, ctx: Context, lab: Lab, run: Run, story: Story | None = None) -> Self:
        """Return the JSON of a run, as the asker sees it; its story is read if it is not given."""
        rights = ctx.runs.rights(lab, run)
        story = story or ctx.runs.stories((run,))[run.id]
        why = run.reason
        reason = why and ReasonBody(
            sentence=why.sentence,
            code=why.code,
            cell=why.cell,
            ename=why.ename,
            evalue=why.evalue,
            traceback=list(why.traceback),
        )
        return cls.model_validate(
            {
                "id": run.id,
                "number": run.number,
                "lab": lab.path,
                "url": f"{ctx.addresses.labs}/{lab.path}/runs/{run.number}",
                "state": run.state.value,
                "is_final": run.state.is_final,
                "out_of_contact": run.is_out_of_contact,
                "waits": ctx.runs.waits(lab, run),
                "person": run.person,
                "name": run.name,
                "note": run.note,
                "revision": run.revision,
                "path": run.path,
                "kind": run.kind.value,
                "image": run.image,
                "image_id": run.image_id,
                "flavour": run.flavour,
                "parameters": run.parameters,
                "created_at": run.created_at,
                "started_at": run.started_at,
                "running_at": run.running_at,
                "ended_at": run.ended_at,
                "stop_at": run.stop_at,
                "stop_by": run.stop_by,
                "hidden_at": run.hidden_at,
                "held_until": run.held_until if run.is_held(ctx.tools.clock()) else None,
                "reason": reason,
                "has_notebook": bool(run.notebook),
                "outputs": RunOutputsSumBody(files=story.held.files, size_bytes=story.held.size),
                "states": [StateBody.of(change) for change in story.changes],
                "may": {
                    "stop": rights.stop,
                    "look_in": ctx.run_doors.may(run),
                    "edit": rights.edit,
                },
            }
        )


class RunDoorBody(BaseModel):
    """The way into a run."""

    url: Annotated[
        str, Field(description="Good once, within a minute, and for whoever has it: tell nobody.")
    ]


class RunsBody(BaseModel):
    """Some runs, the newest first, and where the next ones begin."""

    items: list[RunBody]
    next: str | None

    @classmethod
    def of(cls, ctx: Context, lab: Lab, page: Page[Run]) -> Self:
        """Return the JSON of a page of runs."""
        stories = ctx.runs.stories(page.items)
        items = [RunBody.of(ctx, lab, one, stories[one.id]) for one in page.items]
        return cls(items=items, next=page.next)


class RunOutputBody(BaseModel):
    """A file that a run put out."""

    path: str
    size_bytes: int
    sha256: str
    created_at: datetime

    @classmethod
    def of(cls, output: RunOutput) -> Self:
        """Return the JSON of an output."""
        return cls(
            path=output.path,
            size_bytes=output.size,
            sha256=output.sha256,
            created_at=output.created_at,
        )


class RunOutputsBody(BaseModel):
    """Some files that a run put out, by path, and where the next ones begin."""

    items: list[RunOutputBody]
    next: str | None


class RunEventsBody(BaseModel):
    """A part of a run's log, and where it goes on.

    Each event has `n` (1, 2, 3 …), `at` and `kind`: `stdout`, `stderr` (`text`), `output`
    (`cell`, `output`), `update`, `cell` (`cell`, `state`), `usage`, `note` (`text`).
    """

    items: list[dict[str, Any]]
    next: Annotated[
        int | None, Field(description="Ask for `after` this; null: there is no more now.")
    ]
    is_final: Annotated[bool, Field(description="Nothing will come after the last one.")]
