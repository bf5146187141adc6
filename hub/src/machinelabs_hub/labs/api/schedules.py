"""`/labs/{owner}/{name}/schedules`: have runs ordered again and again, pause and delete that."""

from datetime import datetime
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.run_bodies import RunDraftBody
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.models.schedule import LONGEST_CRON, LONGEST_ZONE, Schedule
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/labs/{owner}/{name}/schedules", tags=["runs"], route_class=Once)

Number = Annotated[int, Path(ge=1, lt=2**31, description="Its `id`.")]
SHOWN_TIMES: Final = 3


class ScheduleDraftBody(BaseModel):
    """Which run is ordered, and when. It is ordered in your name, on your hours."""

    model_config = ConfigDict(extra="forbid", strict=True)

    cron: Annotated[
        str,
        Field(
            max_length=LONGEST_CRON,
            description="Minute, hour, day of the month, month, day of the week.",
            examples=["0 6 * * 1-5"],
        ),
    ]
    zone: Annotated[
        str,
        Field(
            max_length=LONGEST_ZONE,
            description="The time zone whose clock it follows.",
            examples=["Europe/Berlin"],
        ),
    ] = "UTC"
    run: Annotated[
        RunDraftBody,
        Field(description="As an order of a run; without `revision` it is the newest each time."),
    ] = RunDraftBody()


class ScheduleChangeBody(BaseModel):
    """What becomes of a schedule."""

    model_config = ConfigDict(extra="forbid", strict=True)

    paused: Annotated[bool, Field(description="What it leaves out while paused stays left out.")]


class ScheduleRightsBody(BaseModel):
    """What the asker may do with a schedule now."""

    pause: bool
    resume: bool
    remove: bool


class ScheduledRunBody(BaseModel):
    """What a schedule orders; what is empty is taken from the lab each time."""

    revision: Annotated[int | None, Field(description="null: the newest each time.")]
    path: str
    image: str
    flavour: str
    parameters: dict[str, Any]
    name: str
    note: str


class ScheduleBody(BaseModel):
    """Orders of runs of a lab to come."""

    id: int
    lab: Annotated[str, Field(description="`owner/name`.")]
    person: Annotated[str, Field(description="In whose name it orders.")]
    cron: str
    zone: str
    words: Annotated[str, Field(description="The cron line as people say it.")]
    next: Annotated[
        list[datetime], Field(description="The next three times; none while it is paused.")
    ]
    is_paused: bool
    paused_by: Annotated[str, Field(description="Empty: nobody, or the site.")]
    created_at: datetime
    last_at: Annotated[datetime | None, Field(description="When its turn was last.")]
    last_run: Annotated[int | None, Field(description="The number of the run it ordered last.")]
    last_why: Annotated[
        str,
        Field(description="Why it ordered nothing when its turn was last, or is paused."),
    ]
    run: ScheduledRunBody
    may: ScheduleRightsBody

    @classmethod
    def of(cls, ctx: Context, lab: Lab, schedule: Schedule) -> Self:
        """Return the JSON of a schedule, as the asker sees it."""
        draft, rights = schedule.draft, ctx.schedules.rights(lab, schedule)
        return cls(
            id=schedule.id,
            lab=lab.path,
            person=schedule.person,
            cron=schedule.times.cron,
            zone=schedule.times.zone,
            words=schedule.times.words,
            next=list(schedule.coming(SHOWN_TIMES)),
            is_paused=schedule.is_paused,
            paused_by=schedule.paused_by,
            created_at=schedule.created_at,
            last_at=schedule.last_at,
            last_run=schedule.last_run,
            last_why=schedule.last_why,
            run=ScheduledRunBody(
                revision=draft.revision,
                path=draft.path,
                image=draft.image,
                flavour=draft.flavour,
                parameters=draft.parameters,
                name=draft.name,
                note=draft.note,
            ),
            may=ScheduleRightsBody(pause=rights.pause, resume=rights.resume, remove=rights.remove),
        )


class SchedulesBody(BaseModel):
    """Some schedules, the last made first, and where the next ones begin."""

    items: list[ScheduleBody]
    next: str | None


@router.get("", responses=refusals(404))
def list_schedules(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    cursor: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> SchedulesBody:
    """List your schedules of a lab; of a lab of yours everybody's."""
    lab = ctx.labs.get(owner, name)
    found = ctx.schedules.list(lab, cursor=cursor, limit=limit)
    return SchedulesBody(
        items=[ScheduleBody.of(ctx, lab, one) for one in found.items], next=found.next
    )


@router.post("", status_code=201, responses=refusals(403, 404, 409, 413))
def add_schedule(ctx: Ctx, owner: Owner, name: Name, body: ScheduleDraftBody) -> ScheduleBody:
    """Have a run of a lab ordered again and again, in your name."""
    lab = ctx.labs.get(owner, name)
    made = ctx.schedules.add(lab, body.cron, body.zone, body.run.draft())
    return ScheduleBody.of(ctx, lab, made)


@router.get("/{number}", responses=refusals(404))
def get_schedule(ctx: Ctx, owner: Owner, name: Name, number: Number) -> ScheduleBody:
    """Read a schedule."""
    lab = ctx.labs.get(owner, name)
    return ScheduleBody.of(ctx, lab, ctx.schedules.get(lab, number))


@router.patch("/{number}", responses=refusals(403, 404, 409))
def change_schedule(
    ctx: Ctx, owner: Owner, name: Name, number: Number, body: ScheduleChangeBody
) -> ScheduleBody:
    """Pause a schedule, or resume it (only whose it is)."""
    lab = ctx.labs.get(owner, name)
    change = ctx.schedules.pause if body.paused else ctx.schedules.resume
    return ScheduleBody.of(ctx, lab, change(lab, number))


@router.delete("/{number}", status_code=204, responses=refusals(403, 404))
def delete_schedule(ctx: Ctx, owner: Owner, name: Name, number: Number) -> Response:
    """Delete a schedule; the runs that it ordered stay."""
    ctx.schedules.remove(ctx.labs.get(owner, name), number)
    return Response(status_code=204)
