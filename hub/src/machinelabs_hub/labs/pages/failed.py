"""A page that says what went wrong and what to do, in place of the one that was asked for."""

from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.pages.look import page

_HEADINGS: Final = {
    HTTPStatus.UNAUTHORIZED: "Sign in to see this",
    HTTPStatus.FORBIDDEN: "This is not yours to do",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.METHOD_NOT_ALLOWED: "There is nothing here",
    HTTPStatus.CONFLICT: "Something changed meanwhile",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "This is too large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "This cannot be done as asked",
    HTTPStatus.TOO_MANY_REQUESTS: "You are asking very often",
    HTTPStatus.SERVICE_UNAVAILABLE: "A part of the site does not answer",
}
_SIGN_IN_MAY_HELP: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


def failed(request: Request, ctx: Context, error: MachineLabsError) -> Response:
    """Return the page of an error, with its status and its sentence."""
    return page(
        "error.html",
        request,
        ctx,
        status=error.status,
        heading=_HEADINGS.get(error.status, "Something went wrong"),
        sentence=str(error),
        offer_sign_in=ctx.person is None and error.status in _SIGN_IN_MAY_HELP,
    )
