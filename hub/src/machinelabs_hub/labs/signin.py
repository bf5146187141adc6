"""Sign in to the labs pages with the Hub, by OAuth with PKCE.

The Hub's own client library keeps begun sign-ins in memory, where a restart loses them; ours lie
in a sealed cookie of the browser that began them.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub import scopes
from machinelabs_hub.labs.context import Parts
from machinelabs_hub.labs.hubapi import BadSignIn
from machinelabs_hub.labs.services.handshakes import HandshakeService
from machinelabs_hub.labs.session import (
    SESSION_SECONDS,
    parts_of,
    session_cookie,
    session_token,
)
from machinelabs_hub.sites import LABS_PREFIX, Addresses

_BEGUN: Final = "labs-sign-in-"
_MINUTES: Final = 10

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def login(request: Request, next: str = "") -> Response:  # noqa: A002 - the address has it
    """Send a browser to the Hub to sign in; it comes back to `next`."""
    parts = parts_of(request)
    back = own_page(next)
    session = session_token(request)
    if session and await parts.identities.person_of(session):
        return RedirectResponse(back, 303)
    return to_hub(request, back=back, scopes=scopes.LABS_OAUTH)


def to_hub(
    request: Request, *, back: str, scopes: Sequence[str], more: Mapping[str, str] | None = None
) -> Response:
    """Send a browser to the Hub to grant `scopes`; it comes back to `callback`, then to `back`.

    Args:
        request: the browser's.
        back: a page of the labs.
        scopes: what the token may do that `callback` gets.
        more: what `callback` must know besides, sealed.
    """
    parts = parts_of(request)
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    address = parts.hub.sign_in_address(state=state, challenge=challenge, scopes=scopes)
    answer = RedirectResponse(address, 303)
    begun = {"state": state, "verifier": verifier, "next": back, **(more or {})}
    answer.set_cookie(
        f"{_BEGUN}{state[:8]}",
        parts.seal.close(begun),
        max_age=_MINUTES * 60,
        path=f"{LABS_PREFIX}/oauth-callback",
        secure=parts.tools.settings.site.https,
        httponly=True,
        samesite="lax",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/oauth-callback")
async def callback(request: Request, code: str = "", state: str = "") -> Response:
    """Take a browser back from the Hub and remember who it is."""
    parts = parts_of(request)
    cookie = f"{_BEGUN}{state[:8]}"
    begun = parts.seal.open(request.cookies.get(cookie, ""), max_age=_MINUTES * 60)
    if not begun or not code or not secrets.compare_digest(begun["state"], state):
        raise BadSignIn
    token = await parts.hub.token_for(code, verifier=begun["verifier"])
    if "connect" in begun:
        return await _connect(parts, begun, token, cookie)
    if await parts.identities.person_of(token) is None:
        raise BadSignIn
    answer = RedirectResponse(own_page(begun["next"]), 303)
    name, path = session_cookie(parts.tools.settings)
    answer.set_cookie(
        name,
        parts.seal.close({"token": token}),
        max_age=SESSION_SECONDS,
        path=path,
        secure=parts.tools.settings.site.https,
        httponly=True,
        samesite="lax",
    )
    answer.delete_cookie(cookie, path=f"{LABS_PREFIX}/oauth-callback")
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def _connect(parts: Parts, begun: dict[str, str], token: str, cookie: str) -> Response:
    """Make the token of a program that its person said yes to; the grant ends with that."""
    name, tools = begun["person"], parts.tools
    model = await parts.hub.whoami(token)
    if not model or model.get("name") != name:
        raise BadSignIn
    service = HandshakeService(tools=tools)
    waiting = await run_in_threadpool(service.waiting, begun["connect"])
    made = await parts.hub.make_token(
        name,
        by=token,
        scopes=scopes.PROGRAM_TOKEN,
        note=f"ml on {waiting.device}",
        seconds=tools.settings.limits.program_days * 24 * 3600,
    )
    await parts.hub.end_token(name, token)
    sealed = parts.seal.close({"token": made}).encode("ascii")
    await run_in_threadpool(service.grant, waiting.code, name, sealed)
    answer = RedirectResponse(own_page(begun["next"]), 303)
    answer.delete_cookie(cookie, path=f"{LABS_PREFIX}/oauth-callback")
    return answer


@router.get("/logout")
async def logout(request: Request) -> Response:
    """Forget who the browser is, here and at the Hub."""
    parts = parts_of(request)
    parts.identities.forget(session_token(request))
    answer = RedirectResponse(f"{Addresses(parts.tools.settings).hub}/hub/logout", 303)
    name, path = session_cookie(parts.tools.settings)
    answer.delete_cookie(name, path=path, secure=parts.tools.settings.site.https, httponly=True)
    return answer


def own_page(address: str) -> str:
    """Return `address` if it is a page of the labs, else the first page: never another site."""
    is_ours = address == LABS_PREFIX or address.startswith(f"{LABS_PREFIX}/")
    is_plain = "\\" not in address and address.isascii() and address.isprintable()
    return address if is_ours and is_plain else f"{LABS_PREFIX}/"
