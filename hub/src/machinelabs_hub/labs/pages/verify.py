"""Whether a lab runs clean: what came of verifying it, cell by cell, and a button for it."""

from dataclasses import replace
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from machinelabs_hub.errors import Conflict, MachineLabsError, NotAllowed, TooLarge
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.pages.addresses import content_address, lab_url, revision_url
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.pages.run_parts import run_url
from machinelabs_hub.labs.render.links import Address, fill
from machinelabs_hub.labs.render.outputs import Shown
from machinelabs_hub.labs.render.verification import ShownResult, show_results
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.runs import NoRun
from machinelabs_hub.labs.services.viewer import signed_in

router = APIRouter()


@router.get("/{owner}/{name}/verify", include_in_schema=False)
def verifications(request: Request, ctx: Ctx, owner: str, name: str, cursor: str = "") -> Response:
    """Give the list."""
    return _list(request, ctx, ctx.labs.get(owner, name), cursor=cursor)


@router.post("/{owner}/{name}/verify", include_in_schema=False)
def verify(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Order a run that verifies the newest revision, and go to it."""
    signed_in(ctx.person)
    lab = ctx.labs.get(owner, name)
    try:
        run, _ = ctx.verify.order(lab)
    except (NotAllowed, Conflict, TooLarge) as error:
        return _list(request, ctx, lab, error=error)
    return RedirectResponse(run_url(lab, run.number), HTTPStatus.SEE_OTHER)


@router.get("/{owner}/{name}/verify/{number}", include_in_schema=False)
def verification(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Give what came of one of them, cell by cell."""
    if not number.isdecimal() or len(number) > 9:  # noqa: PLR2004 - no list is longer
        raise NoPage
    lab = ctx.labs.get(owner, name)
    one = ctx.verify.get(lab, int(number))
    badge = ctx.verify.badge(lab)
    sides = ctx.verify.sides(lab, one)
    cells = [ShownResult(cell) for cell in one.cells]
    if sides is not None:
        address = content_address(lab, one.revision)
        folder = one.path.rpartition("/")[0]
        found = show_results(one.cells, *sides, folder=folder)
        cells = [
            replace(each, before=_filled(each.before, address), after=_filled(each.after, address))
            for each in found
        ]
    return page(
        "verification.html",
        request,
        ctx,
        one=one,
        cells=cells,
        is_last=badge is not None and badge.last.id == one.id,
        changes=badge.changes if badge is not None and badge.last.id == one.id else (),
        run_url=_run(ctx, lab, one.number),
        revision_url=revision_url(lab, one.revision),
        may_verify=_may(ctx, lab),
        **frame(ctx, lab, "runs"),
    )


def _list(
    request: Request,
    ctx: Context,
    lab: Lab,
    *,
    cursor: str = "",
    error: MachineLabsError | None = None,
) -> Response:
    found = ctx.verify.list(lab, cursor=cursor)
    more = f"{lab_url(lab)}/verify?{urlencode({'cursor': found.next})}" if found.next else ""
    return page(
        "verify.html",
        request,
        ctx,
        status=error.status if error else HTTPStatus.OK,
        trouble=str(error) if error else "",
        items=found.items,
        more=more,
        may_verify=_may(ctx, lab),
        **frame(ctx, lab, "runs"),
    )


def _may(ctx: Context, lab: Lab) -> bool:
    return bool(ctx.csrf_token and lab.entrypoint) and ctx.labs.may(Action.RUN, lab)


def _run(ctx: Context, lab: Lab, number: int) -> str:
    """Return the address of the run; empty: it was deleted."""
    try:
        return run_url(lab, ctx.runs.get(lab, number).number)
    except NoRun:
        return ""


def _filled(shown: tuple[Shown, ...], address: Address) -> tuple[Shown, ...]:
    # It was cleaned where it was rendered.
    return tuple(Shown(one.kind, Markup(fill(one.html, address))) for one in shown)  # noqa: S704
