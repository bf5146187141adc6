"""What guards every request: who asks, forged requests, hosts, sizes and headers."""

import hmac
from typing import Annotated, Final

from fastapi import Depends, Request

from machinelabs_hub.errors import NotAllowed
from machinelabs_hub.labs.context import Context, Parts
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.viewer import SignInNeeded
from machinelabs_hub.labs.session import parts_of, session_token
from machinelabs_hub.sites import LABS_PREFIX, Addresses

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORM: Final = "application/x-www-form-urlencoded"


class ForgedRequest(NotAllowed):
    """A request that another site could have made in this person's name."""

    code = "forged_request"

    def __init__(self) -> None:
        super().__init__(
            "This request did not come from a page of this site, or the page was open for too "
            "long. Load the page again and repeat it."
        )


class BadToken(SignInNeeded):
    """A token that the Hub does not know, or not any more, or not for labs."""

    code = "bad_token"

    def __init__(self) -> None:
        super().__init__(
            "This token has expired, was revoked, or is not for labs. Make a new one on the hub's "
            "token page."
        )


async def context(request: Request) -> Context:
    """Find out who asks, and refuse forged and too many requests.

    Raises:
        BadToken: the token of the request's own header is not good.
        ForgedRequest: an unsafe request that only a cookie vouches for.
        TooMany: an address that is not signed in asks too often.
    """
    parts = parts_of(request)
    session = session_token(request)
    person, by_cookie = await _who(request, parts, session)
    csrf = parts.seal.mark(session) if by_cookie else ""
    if by_cookie and request.method not in SAFE:
        await _check_origin(request, parts, csrf)
    ctx = Context(
        person=person,
        tools=parts.tools,
        hub=parts.hub,
        csrf_token=csrf,
        nonce=request.scope.get("nonce", ""),
    )
    request.state.ctx = ctx
    return ctx


Ctx = Annotated[Context, Depends(context)]
"""The request's context: the first argument of every handler."""


async def _who(request: Request, parts: Parts, session: str) -> tuple[Person | None, bool]:
    header = request.headers.get("authorization", "")
    kind, _, token = header.partition(" ")
    if header:
        person = None
        if kind.lower() in {"bearer", "token"} and token.strip():
            person = await parts.identities.person_of(token.strip())
        if person is None:
            _count(request, parts)
            raise BadToken
        return person, False
    person = await parts.identities.person_of(session) if session else None
    if person is None:
        _count(request, parts)
    return person, person is not None


def _count(request: Request, parts: Parts) -> None:
    address = request.client.host if request.client else ""
    parts.visitors.take(address, "There were very many requests from your address.")


async def _check_origin(request: Request, parts: Parts, csrf: str) -> None:
    # Servers of other people are the same site for a browser, so SameSite does not help here.
    addresses = Addresses(parts.tools.settings)
    own = addresses.labs.removesuffix(LABS_PREFIX)
    origin = request.headers.get("origin")
    if origin is not None and origin != own:
        raise ForgedRequest
    sent = request.headers.get("x-csrf-token") or request.headers.get("x-xsrftoken") or ""
    is_form = request.headers.get("content-type", "").startswith(FORM)
    # Forms of pages are posted; what else is sent is as large as its route allows.
    if not sent and is_form and request.method == "POST":
        sent = str((await request.form()).get("_csrf", ""))
    if not hmac.compare_digest(sent.encode(), csrf.encode()):
        raise ForgedRequest
