"""Say yes to a program that wants to sign in: compare its code, then connect it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.handshakes import HandshakeService, NoHandshake
from machinelabs_hub.labs.services.viewer import writer
from machinelabs_hub.labs.signin import to_hub
from machinelabs_hub.scopes import PROGRAM_GRANT
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()


@router.get("/connect", include_in_schema=False)
def connect(request: Request, ctx: Ctx, code: str = "") -> Response:
    """Ask whether the program that waits with this code is the reader's."""
    writer(ctx.person)
    waiting, trouble = None, ""
    try:
        waiting = HandshakeService(tools=ctx.tools).waiting(code) if code else None
    except NoHandshake as error:
        trouble = str(error)
    days = ctx.settings.limits.program_days
    return page("connect.html", request, ctx, waiting=waiting, trouble=trouble, days=days)


@router.post("/connect", include_in_schema=False)
def answer(
    request: Request, ctx: Ctx, code: Annotated[str, Form()], answer: Annotated[str, Form()] = ""
) -> Response:
    """Take the answer; after a yes the hub grants the token, for this one purpose."""
    person = writer(ctx.person)
    service = HandshakeService(tools=ctx.tools)
    waiting = service.waiting(code)
    if answer != "yes":
        service.refuse(waiting.code, person.name)
        return RedirectResponse(f"{LABS_PREFIX}/connect/refused", 303)
    more = {"connect": waiting.code, "person": person.name}
    done = f"{LABS_PREFIX}/connect/done"
    return to_hub(request, back=done, scopes=PROGRAM_GRANT, more=more)


@router.get("/connect/{end}", include_in_schema=False)
def ended(request: Request, ctx: Ctx, end: str) -> Response:
    """Say that the answer was taken."""
    if end not in {"done", "refused"}:
        raise NoHandshake
    return page("connected.html", request, ctx, granted=end == "done")
