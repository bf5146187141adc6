"""`/me/usage`, `/me/notices`, `/me/keep`, `/hour-grants`, `/usage.csv`: plans and hours."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.models.usage import HourGrant, Used
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.plans.model import HOUR, Notice

router = APIRouter(tags=["hours"], route_class=Once)

_KEPT = frozenset({"idle"})
"""Notices that end when somebody says that they need the server."""

Month = Annotated[
    str, Query(pattern=r"^(20\d\d-(0[1-9]|1[0-2]))?$", description="`2026-11`; empty: this one.")
]
Server = Annotated[
    str, Query(max_length=255, description="The server's name; empty: the default one.")
]


class UsedBody(BaseModel):
    """One kind of hours; `given_hours` and `left_hours` are null where there is no end."""

    kind: Literal["cpu", "gpu"]
    used_hours: float
    given_hours: float | None
    left_hours: float | None
    ends_at: Annotated[
        datetime | None,
        Field(description="When they run out if what runs goes on; null: not foreseeable."),
    ]


class DayBody(BaseModel):
    """What was used on one day (UTC) with one flavour."""

    day: date
    flavour: str
    kind: Literal["cpu", "gpu"]
    hours: float


class LiveBody(BaseModel):
    """A server that runs and is charged."""

    server: str
    flavour: str
    since: datetime
    cards: Annotated[float, Field(description="How many cards it is charged for; 0: none.")]


class UsageBody(BaseModel):
    """Your plan, and what you used of it in the window that counts now."""

    plan: str
    plan_title: str
    window_begins: datetime
    window_ends: datetime
    hours: list[UsedBody]
    days: list[DayBody]
    live: list[LiveBody]


class NoticeBody(BaseModel):
    """What the people of one server are told."""

    id: str
    kind: str
    sentence: str
    at: datetime
    seconds_left: Annotated[
        float | None,
        Field(description="Until the server is stopped; null: it only tells."),
    ]
    is_final: Annotated[
        bool, Field(description="Save what is open now, then confirm: the stop follows.")
    ]
    may_keep: Annotated[bool, Field(description="`POST /me/keep` ends it.")]


class NoticesBody(BaseModel):
    """All notices that hold, the oldest first; `next` is always null."""

    items: list[NoticeBody]
    next: str | None = None


class KeepBody(BaseModel):
    """Which server you need now; empty: the default one."""

    server: Annotated[str, Field(max_length=255)] = ""


class GrantRequest(BaseModel):
    """Extra hours for somebody, and why."""

    user: Annotated[str, Field(min_length=1, max_length=255)]
    cpu_hours: Annotated[float, Field(ge=0, le=10_000)] = 0
    gpu_hours: Annotated[float, Field(ge=0, le=10_000)] = 0
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    month: Annotated[
        str,
        Field(
            pattern=r"^(20\d\d-(0[1-9]|1[0-2]))?$",
            description="The calendar month (UTC) in which they hold; empty: this one.",
        ),
    ] = ""


class GrantBody(BaseModel):
    """Extra hours that an admin gave."""

    id: int
    user: str
    month: str
    cpu_hours: float
    gpu_hours: float
    reason: str
    by: str
    at: datetime


class GrantsBody(BaseModel):
    """Extra hours, the last given first."""

    items: list[GrantBody]
    next: str | None


@router.get("/me/usage", responses=refusals())
def get_usage(ctx: Ctx) -> UsageBody:
    """Tell your plan, what you used of it and what is left."""
    found = ctx.hours.usage()
    return UsageBody(
        plan=found.plan.name,
        plan_title=found.plan.title,
        window_begins=found.window.begins,
        window_ends=found.window.ends,
        hours=[_used(row) for row in found.kinds],
        days=[
            DayBody(day=row.day, flavour=row.flavour, kind=row.kind.value, hours=_h(row.seconds))
            for row in found.days
        ],
        live=[
            LiveBody(
                server=use.session.server,
                flavour=use.session.flavour,
                since=use.since,
                cards=float(use.session.cards),
            )
            for use in found.live
        ],
    )


@router.get("/me/notices", responses=refusals())
def list_notices(ctx: Ctx, server: Server = "") -> NoticesBody:
    """List what holds for one of your servers."""
    return NoticesBody(items=[_notice(ctx, row) for row in ctx.hours.notices(server)])


@router.post("/me/notices/{notice}/confirm", status_code=204, responses=refusals(403, 404))
def confirm_notice(ctx: Ctx, notice: Annotated[str, Path(max_length=32)]) -> None:
    """Say that what is open is saved: the server may be stopped."""
    ctx.hours.confirm(notice)


@router.post("/me/keep", status_code=204, responses=refusals(403))
def keep_server(ctx: Ctx, body: KeepBody) -> None:
    """Say that you need a server now: it counts as used at this moment."""
    ctx.hours.keep(body.server)


@router.get("/hour-grants", responses=refusals(403))
def list_hour_grants(
    ctx: Ctx,
    month: Month = "",
    user: Annotated[str, Query(max_length=255)] = "",
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> GrantsBody:
    """List extra hours (admins only)."""
    found = ctx.hours.grants(month=month, user=user, cursor=cursor, limit=limit)
    return GrantsBody(items=[_grant(row) for row in found.items], next=found.next)


@router.post("/hour-grants", status_code=201, responses=refusals(403))
def give_hours(ctx: Ctx, body: GrantRequest) -> GrantBody:
    """Give somebody extra hours (admins only)."""
    return _grant(
        ctx.hours.grant(
            body.user,
            cpu_hours=body.cpu_hours,
            gpu_hours=body.gpu_hours,
            reason=body.reason,
            month=body.month,
        )
    )


@router.get(
    "/usage.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **refusals(403)},
)
def get_usage_csv(ctx: Ctx, month: Month = "") -> Response:
    """Give what everybody used in a month, a line for each session (admins only)."""
    name, text = ctx.hours.csv(month)
    return Response(
        text,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="usage-{name}.csv"',
            "Cache-Control": "private, no-store",
        },
    )


def _used(row: Used) -> UsedBody:
    return UsedBody(
        kind=row.kind.value,
        used_hours=_h(row.used),
        given_hours=None if row.given is None else _h(row.given),
        left_hours=None if row.left is None else _h(row.left),
        ends_at=row.ends_at,
    )


def _notice(ctx: Context, row: Notice) -> NoticeBody:
    left = None
    if row.stops_at or row.final_at:
        until = (row.stops_at or row.final_at or row.at) - ctx.tools.clock()
        left = 0.0 if row.final_at else max(0.0, until.total_seconds())
    return NoticeBody(
        id=row.id,
        kind=row.kind,
        sentence=row.sentence,
        at=row.at,
        seconds_left=left,
        is_final=row.final_at is not None,
        may_keep=row.kind in _KEPT and row.final_at is None,
    )


def _grant(row: HourGrant) -> GrantBody:
    return GrantBody(
        id=row.id,
        user=row.user,
        month=row.month,
        cpu_hours=row.cpu_hours,
        gpu_hours=row.gpu_hours,
        reason=row.reason,
        by=row.by,
        at=row.at,
    )


def _h(seconds: float) -> float:
    return round(seconds / HOUR, 4)
