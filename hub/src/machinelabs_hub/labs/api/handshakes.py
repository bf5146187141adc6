"""`/handshakes`: sign a program in, with a yes of its person in a browser."""

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.handshakes import MINUTES, HandshakeService
from machinelabs_hub.labs.session import parts_of

router = APIRouter(prefix="/handshakes", tags=["sign-in"])


class DeviceBody(BaseModel):
    """Who asks."""

    model_config = ConfigDict(extra="forbid", strict=True)

    device: Annotated[
        str,
        Field(max_length=200, description="How the person knows the machine.", examples=["tower"]),
    ] = ""


class HandshakeBody(BaseModel):
    """A sign-in under way."""

    secret: Annotated[str, Field(description="For `/handshakes/token`; shown to nobody.")]
    code: Annotated[str, Field(description="Shown by the program and by the page alike.")]
    url: Annotated[str, Field(description="The page where the person says yes.")]
    expires_at: datetime


class SecretBody(BaseModel):
    """Which sign-in."""

    model_config = ConfigDict(extra="forbid", strict=True)

    secret: Annotated[str, Field(max_length=200)]


class AnswerBody(BaseModel):
    """How a sign-in stands; `token` is there once, when it is granted."""

    state: Literal["waiting", "granted", "refused"]
    token: str | None


@router.post("", status_code=201, responses=refusals())
def begin_handshake(
    request: Request, response: Response, ctx: Ctx, body: DeviceBody
) -> HandshakeBody:
    """Begin to sign a program in: show the code, open the page, ask for the token."""
    address = request.client.host if request.client else ""
    begun = HandshakeService(tools=ctx.tools).begin(body.device, address=address)
    response.headers["Cache-Control"] = "no-store"
    return HandshakeBody(
        secret=begun.secret,
        code=begun.handshake.code,
        url=f"{ctx.addresses.labs}/connect?code={quote(begun.handshake.code)}",
        expires_at=begun.handshake.expires_at,
    )


@router.post("/token", responses=refusals(404))
def fetch_token(request: Request, response: Response, ctx: Ctx, body: SecretBody) -> AnswerBody:
    """Fetch the token of a sign-in once its person said yes."""
    response.headers["Cache-Control"] = "no-store"
    handshake, sealed = HandshakeService(tools=ctx.tools).fetch(body.secret)
    if handshake.person is None:
        return AnswerBody(state="waiting", token=None)
    seal = parts_of(request).seal
    opened = seal.open(sealed.decode("ascii"), max_age=MINUTES * 60) if sealed else None
    if opened is None:
        return AnswerBody(state="refused", token=None)
    return AnswerBody(state="granted", token=opened["token"])
