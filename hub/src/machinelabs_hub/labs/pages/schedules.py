"""The schedules of a lab: when its runs are ordered again and again, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import RunDraft
from machinelabs_hub.labs.models.schedule import Schedule, ScheduleRights
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.run_form import WhenAsked, asked_in
from machinelabs_hub.labs.pages.runs import form_page, runnable
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.viewer import signed_in

router = APIRouter()

_LIMIT: Final = 30
_TIMES: Final = 3
_NEWEST: Final = "newest"

Number = Annotated[int, Path(ge=1, lt=2**31)]


@dataclass(frozen=True, slots=True)
class ShownSchedule:
    """A schedule as the page shows it; times are by the clock of its zone."""

    schedule: Schedule
    next: tuple[str, ...]
    last: str
    rights: ScheduleRights


@router.get("/{owner}/{name}/schedules", include_in_schema=False)
def schedules(request: Request, ctx: Ctx, owner: str, name: str, cursor: str = "") -> Response:
    """Give the list, the last made first."""
    signed_in(ctx.person)
    return _page(request, ctx, ctx.labs.get(owner, name), cursor=cursor)


@router.post("/{owner}/{name}/schedules", include_in_schema=False)
async def add(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Make one of what the form of a run says, or show that again with what is wrong."""
    return await run_in_threadpool(_add, request, ctx, owner, name, await request.form())


def _add(request: Request, ctx: Context, owner: str, name: str, form: FormData) -> Response:
    lab = runnable(ctx.tools, ctx, owner, name)
    said = {key: value for key, value in form.items() if isinstance(value, str)}
    asked = asked_in(said)
    when = WhenAsked(said.get("cron", ""), said.get("zone", ""), said.get("each") == _NEWEST)
    known = ctx.runs.form(lab, RunDraft(revision=asked.revision, path=asked.path))
    try:
        draft = asked.draft(known.parameters)
        if when.is_newest:
            draft = replace(draft, revision=None)
        ctx.schedules.add(lab, when.cron, when.zone, draft)
    except MachineLabsError as error:
        return form_page(request, ctx, lab, asked, error=error, when=when)
    return RedirectResponse(f"{lab_url(lab)}/schedules", HTTPStatus.SEE_OTHER)


@router.post("/{owner}/{name}/schedules/{number}/pause", include_in_schema=False)
def pause(request: Request, ctx: Ctx, owner: str, name: str, number: Number) -> Response:
    """Let it order nothing for a while."""
    return _change(request, ctx, owner, name, number, ctx.schedules.pause)


@router.post("/{owner}/{name}/schedules/{number}/resume", include_in_schema=False)
def resume(request: Request, ctx: Ctx, owner: str, name: str, number: Number) -> Response:
    """Let it order again."""
    return _change(request, ctx, owner, name, number, ctx.schedules.resume)


@router.post("/{owner}/{name}/schedules/{number}/delete", include_in_schema=False)
def delete(request: Request, ctx: Ctx, owner: str, name: str, number: Number) -> Response:
    """Delete it; the runs that it ordered stay."""
    return _change(request, ctx, owner, name, number, ctx.schedules.remove)


def _change(
    request: Request,
    ctx: Context,
    owner: str,
    name: str,
    number: int,
    change: Callable[[Lab, int], object],
) -> Response:
    lab = ctx.labs.get(owner, name)
    try:
        change(lab, number)
    except MachineLabsError as error:
        signed_in(ctx.person)
        return _page(request, ctx, lab, error=error)
    return RedirectResponse(f"{lab_url(lab)}/schedules", HTTPStatus.SEE_OTHER)


def _page(
    request: Request,
    ctx: Context,
    lab: Lab,
    *,
    cursor: str = "",
    error: MachineLabsError | None = None,
) -> Response:
    found = ctx.schedules.list(lab, cursor=cursor, limit=_LIMIT)
    here = f"{lab_url(lab)}/schedules"
    return page(
        "schedules.html",
        request,
        ctx,
        status=error.status if error else HTTPStatus.OK,
        trouble=str(error) if error else "",
        shown=[_shown(ctx, lab, one) for one in found.items],
        more=f"{here}?{urlencode({'cursor': found.next})}" if found.next else "",
        **frame(ctx, lab, "runs"),
    )


def _shown(ctx: Context, lab: Lab, schedule: Schedule) -> ShownSchedule:
    def told(moment: datetime) -> str:
        return f"{schedule.times.local(moment):%a %-d %b, %H:%M}"

    return ShownSchedule(
        schedule=schedule,
        next=tuple(map(told, schedule.coming(_TIMES))),
        last=told(schedule.last_at) if schedule.last_at else "",
        rights=ctx.schedules.rights(lab, schedule),
    )
