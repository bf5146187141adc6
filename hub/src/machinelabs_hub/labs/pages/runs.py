"""The runs of a lab, and the form for a new one."""

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from machinelabs_hub.errors import BadInput, Conflict, MachineLabsError, NotAllowed, TooLarge
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import RunDraft, RunKind, RunState, kind_of
from machinelabs_hub.labs.models.run_compare import MOST
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.run_form import (
    FIELD,
    RunAsked,
    WhenAsked,
    asked_in,
    asked_like,
    fields_of,
)
from machinelabs_hub.labs.pages.run_metrics import columns_of
from machinelabs_hub.labs.pages.run_parts import run_url, runs_api, took
from machinelabs_hub.labs.pages.sweeps import sweep_url
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_to, signed_in

router = APIRouter()

STATES: Final = {"": "All"} | {state.value: state.value.capitalize() for state in RunState}
_LIMIT: Final = 30
_REVISIONS: Final = 20


@router.get("/{owner}/{name}/runs", include_in_schema=False)
def runs(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    state: str = "",
    cursor: str = "",
    deleted: int = 0,
    few: int = 0,
) -> Response:
    """Give the list, the newest first."""
    lab = ctx.labs.get(owner, name)
    wanted = RunState(state) if state in set(RunState) else None
    found = ctx.runs.list(lab, state=wanted, cursor=cursor, limit=_LIMIT)
    base = f"{lab_url(lab)}/runs"
    chosen = {"state": wanted.value} if wanted else {}
    measured, cells = columns_of(ctx, found.items)
    return page(
        "runs.html",
        request,
        ctx,
        runs=[(one, run_url(lab, one.number), took(one)) for one in found.items],
        more=f"{base}?{urlencode(chosen | {'cursor': found.next})}" if found.next else "",
        state=wanted.value if wanted else "",
        states=STATES,
        measured=measured,
        cells=cells,
        table=f"{runs_api(lab)}/table.csv",
        deleted=deleted,
        few=few,
        most=MOST,
        **frame(ctx, lab, "runs"),
    )


@router.get("/{owner}/{name}/runs/new", include_in_schema=False)
def new(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    revision: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
    path: str = "",
    like: int = 0,
) -> Response:
    """Give the form: of a revision and a file of it, or of a run to repeat."""
    lab = runnable(ctx.tools, ctx, owner, name)
    asked = RunAsked(revision=revision, path=path)
    if like:
        asked = asked_like(ctx.runs.get(lab, like))
    return form_page(request, ctx, lab, asked)


@router.post("/{owner}/{name}/runs", include_in_schema=False)
async def order(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Order the run and go to it, or show the form again with what is wrong."""
    return await run_in_threadpool(_order, request, ctx, owner, name, await request.form())


@router.post("/{owner}/{name}/runs/{number}/again", include_in_schema=False)
def again(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    number: Annotated[int, Path(ge=1, lt=2**31)],
) -> Response:
    """Order the same once more and go there, or show its form with what stands against it."""
    lab = runnable(ctx.tools, ctx, owner, name)
    found = ctx.runs.get(lab, number)
    try:
        made = ctx.runs.order(lab, found.draft)
    except (BadInput, NotAllowed, Conflict, TooLarge) as error:
        return form_page(request, ctx, lab, asked_like(found), error=error)
    return RedirectResponse(run_url(lab, made.number), HTTPStatus.SEE_OTHER)


def _order(request: Request, ctx: Context, owner: str, name: str, form: FormData) -> Response:
    lab = runnable(ctx.tools, ctx, owner, name)
    asked = asked_in({key: value for key, value in form.items() if isinstance(value, str)})
    known = ctx.runs.form(lab, RunDraft(revision=asked.revision, path=asked.path))
    try:
        if asked.grid.strip():
            sweep = ctx.sweeps.order(lab, *asked.sweep(known.parameters))
            return RedirectResponse(sweep_url(lab, sweep.number), HTTPStatus.SEE_OTHER)
        made = ctx.runs.order(lab, asked.draft(known.parameters))
    except (BadInput, NotAllowed, Conflict, TooLarge) as error:
        return form_page(request, ctx, lab, asked, error=error)
    return RedirectResponse(run_url(lab, made.number), HTTPStatus.SEE_OTHER)


def runnable(tools: Tools, ctx: Context, owner: str, name: str) -> Lab:
    """Return a lab that who asks may run, or refuse."""
    signed_in(ctx.person)
    return lab_to(Action.RUN, tools, ctx.person, owner, name)


def form_page(
    request: Request,
    ctx: Context,
    lab: Lab,
    asked: RunAsked,
    *,
    error: MachineLabsError | None = None,
    when: WhenAsked | None = None,
) -> Response:
    """Give the form with what was asked for; `when`: it was to be ordered on a schedule."""
    form = ctx.runs.form(lab, RunDraft(revision=asked.revision, path=asked.path))
    numbers = ctx.revisions.list(lab, limit=_REVISIONS).items
    return page(
        "run_new.html",
        request,
        ctx,
        status=error.status if error else HTTPStatus.OK,
        trouble=str(error) if error else "",
        form=form,
        is_script=kind_of(form.path) is RunKind.SCRIPT,
        fields=fields_of(form.parameters, asked.values),
        prefix=FIELD,
        asked=asked,
        hold_minutes=ctx.settings.runs.hold_minutes,
        revisions=sorted({form.revision, *(one.number for one in numbers)}, reverse=True),
        images=ctx.catalog.offered,
        flavours=ctx.catalog.flavours,
        image=asked.image or form.image,
        flavour=asked.flavour or form.flavour,
        when_asked=when,
        most_runs=ctx.settings.runs.sweep_runs,
        **frame(ctx, lab, "runs"),
    )
