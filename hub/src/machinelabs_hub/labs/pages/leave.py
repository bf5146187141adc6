"""Leave a lab that somebody shares with the reader; only they can take it back."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import Action, left_by, may, may_leave
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.member import MemberKind
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.viewer import signed_in
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()


@router.get("/{owner}/{name}/leave", include_in_schema=False)
def form(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Say what the reader gives up, and ask for the lab's name."""
    return _form(request, ctx, _shared(ctx, owner, name))


@router.post("/{owner}/{name}/leave", include_in_schema=False)
def leave(
    request: Request, ctx: Ctx, owner: str, name: str, confirm: Annotated[str, Form()] = ""
) -> Response:
    """Leave the lab if its name was typed."""
    lab = _shared(ctx, owner, name)
    if confirm.strip() != lab.name:
        trouble = f"Type {lab.name} to leave this lab. Nothing was changed."
        return _form(request, ctx, lab, trouble=trouble)
    ctx.members.remove(owner, name, MemberKind.PERSON, signed_in(ctx.person).name)
    return RedirectResponse(f"{LABS_PREFIX}/shared?left=1", HTTPStatus.SEE_OTHER)


def _shared(ctx: Context, owner: str, name: str) -> Lab:
    signed_in(ctx.person)
    lab = ctx.labs.get(owner, name)
    if not may_leave(ctx.person, lab):
        raise NoPage
    return lab


def _form(request: Request, ctx: Context, lab: Lab, *, trouble: str = "") -> Response:
    return page(
        "leave.html",
        request,
        ctx,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if trouble else HTTPStatus.OK,
        reads_on=may(ctx.person, Action.READ, left_by(signed_in(ctx.person), lab)),
        trouble=trouble,
        **frame(ctx, lab, ""),
    )
