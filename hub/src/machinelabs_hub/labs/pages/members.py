"""Share a lab from its settings: add people and groups, change their roles, take them away."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import BadInput, NotFound, TooLarge
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.settings import editable, settings_page
from machinelabs_hub.labs.security import Ctx

router = APIRouter()

Text = Annotated[str, Form()]


@router.post("/{owner}/{name}/members", include_in_schema=False)
def put(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    kind: Text = "",
    member: Text = "",
    role: Text = "",
) -> Response:
    """Share the lab, or say what is wrong."""
    lab = editable(ctx, owner, name)
    try:
        # People write a group as its labs' owner is written, and a name with spaces around it.
        named = member.strip().removeprefix("@" if kind == "group" else "")
        ctx.members.put(owner, name, Member(_kind(kind), named, _role(role)))
    except (BadInput, TooLarge) as error:
        return settings_page(request, ctx, lab, trouble=str(error))
    return _back(lab)


@router.post("/{owner}/{name}/members/remove", include_in_schema=False)
def remove(
    request: Request, ctx: Ctx, owner: str, name: str, kind: Text = "", member: Text = ""
) -> Response:
    """Share the lab no more with somebody."""
    lab = editable(ctx, owner, name)
    try:
        ctx.members.remove(owner, name, _kind(kind), member)
    except (BadInput, NotFound) as error:
        return settings_page(request, ctx, lab, trouble=str(error))
    return _back(lab)


def _back(lab: Lab) -> Response:
    return RedirectResponse(f"{lab_url(lab)}/settings?saved=1#members", HTTPStatus.SEE_OTHER)


def _kind(text: str) -> MemberKind:
    if text not in set(MemberKind):
        raise BadInput("Choose whether to share with a person or with a group.")
    return MemberKind(text)


def _role(text: str) -> Role:
    if text not in set(Role):
        raise BadInput("Choose a role: viewer, runner, editor or owner.")
    return Role(text)
