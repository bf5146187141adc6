"""Answer errors, once for all: JSON to programs, a page to people."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, unquote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from machinelabs_hub.errors import BadInput, MachineLabsError, NotFound, TooLarge
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.guard import API, MOST_BYTES
from machinelabs_hub.labs.services.rates import TooMany
from machinelabs_hub.labs.services.viewer import LabMoved
from machinelabs_hub.labs.session import parts_of
from machinelabs_hub.sites import LABS_PREFIX

log = logging.getLogger("machinelabs.labs")

_GIT: Final = ".git"
ErrorPage = Callable[[Request, Context, MachineLabsError], Response]


class BadRequest(BadInput):
    """A request that does not say what its address asks for."""

    code = "bad_request"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class WrongMethod(MachineLabsError):
    """The address is there, but not for this."""

    code = "wrong_method"
    status = HTTPStatus.METHOD_NOT_ALLOWED


class BodyTooLarge(TooLarge):
    """A request that is far larger than what its address takes."""

    code = "body_too_large"

    def __init__(self) -> None:
        super().__init__(f"This request is larger than {MOST_BYTES >> 20} MiB. Send less at once.")


class OurFault(MachineLabsError):
    """A fault of the program."""

    code = "our_fault"

    def __init__(self) -> None:
        super().__init__(
            "Something went wrong here, and it is not your fault. Try again; if it goes on, tell "
            "an admin when it happened."
        )


def install(app: FastAPI, page: ErrorPage) -> None:
    """Make `app` answer every error; `page` makes the pages."""

    async def ours(request: Request, error: Exception) -> Response:
        return answer(request, _ours(error), page)

    for kind in (MachineLabsError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, ours)


def answer(request: Request, error: MachineLabsError, page: ErrorPage) -> Response:
    """Return the answer to a request that ended in `error`."""
    elsewhere = redirect_of(request, error)
    if elsewhere is not None:
        return elsewhere
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s: %s", request.method, request.url.path, error.code, error)
    if request.url.path.startswith(API):
        return _finished(_json(error), error)
    if error.status is HTTPStatus.UNAUTHORIZED and request.method == "GET":
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{LABS_PREFIX}/login?next={quote(here, safe='')}", 302)
    parts = parts_of(request)
    ctx = getattr(request.state, "ctx", None) or Context(
        person=None,
        tools=parts.tools,
        hub=parts.hub,
        nonce=request.scope.get("nonce", ""),
    )
    return _finished(page(request, ctx, error), error)


def redirect_of(request: Request, error: MachineLabsError) -> Response | None:
    """Return the way to where a lab is now, for who asked for its former address; else None."""
    if not isinstance(error, LabMoved) or request.method not in {"GET", "HEAD"}:
        return None
    elsewhere = _moved_to(request, error)
    headers = {"Cache-Control": "no-store"}
    status = HTTPStatus.PERMANENT_REDIRECT
    return RedirectResponse(elsewhere, status, headers) if elsewhere else None


def _moved_to(request: Request, error: LabMoved) -> str:
    """Return the same address of the lab where it is now; "" where it asks for another besides."""
    raw: str = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1")
    at = (f"{API}/v1/labs/" if raw.startswith(f"{API}/") else f"{LABS_PREFIX}/").count("/")
    parts = raw.split("/")
    owner, name = (unquote(part) for part in (*parts, "", "")[at : at + 2])
    end = _GIT if name == error.was[1] + _GIT else ""
    if (owner, name) != (error.was[0], error.was[1] + end):
        return ""
    parts[at : at + 2] = quote(error.now[0], safe="@"), quote(error.now[1], safe="") + end
    return "/".join(parts) + (f"?{request.url.query}" if request.url.query else "")


def plain_page(_request: Request, _ctx: Context, error: MachineLabsError) -> Response:
    """Return an error's sentence as text."""
    return PlainTextResponse(str(error), error.status)


def _json(error: MachineLabsError) -> Response:
    field = error.field if isinstance(error, BadRequest) else ""
    body: dict[str, Any] = {"code": error.code, "message": str(error), "field": field or None}
    return JSONResponse(body, error.status)


def _finished(response: Response, error: MachineLabsError) -> Response:
    response.headers["Cache-Control"] = "no-store"
    if error.status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.seconds)
    return response


def _ours(error: Exception) -> MachineLabsError:
    match error:
        case MachineLabsError():
            return error
        case RequestValidationError():
            return _from_validation(error)
        case ClientDisconnect():
            return BadRequest("The connection broke off before the request was complete.")
        case HTTPException():
            return _from_http(error)
    log.error("a fault of ours", exc_info=error)
    return OurFault()


def _from_http(error: HTTPException) -> MachineLabsError:
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return NotFound("There is nothing at this address.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return WrongMethod("This address cannot be used in this way.")
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return BodyTooLarge()
    return BadRequest("This request cannot be understood.")


def _from_validation(error: RequestValidationError) -> BadRequest:
    fault = error.errors()[0]
    field = ".".join(str(part) for part in fault["loc"][1:])
    what = f"`{field}`: " if field else ""
    reason = str(fault["msg"]).removeprefix("Value error, ")
    return BadRequest(f"{what}{reason}.", field=field)
