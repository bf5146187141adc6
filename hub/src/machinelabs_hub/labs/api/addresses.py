"""The parts of an address: how they look, and what errors their answers may be."""

from typing import Annotated, Any, Final

from fastapi import Path

from machinelabs_hub.labs.api.bodies import ErrorBody
from machinelabs_hub.labs.services.revisions import Number

Owner = Annotated[
    str,
    Path(max_length=255, description="Whose lab it is: a person, or `@group`.", examples=["ada"]),
]
Name = Annotated[
    str,
    Path(
        max_length=64,
        description="The lab's name. `GET` at an address that it had before answers 308.",
        examples=["digits"],
    ),
]
RevisionName = Annotated[
    str,
    Path(
        pattern="^([1-9][0-9]{0,8}|latest)$",
        description="A revision's number, or `latest`.",
        examples=["latest"],
    ),
]

_SENTENCES: Final = {
    400: "The request cannot be understood.",
    401: "Nobody is signed in, or the token has expired or is unknown.",
    403: "This is not yours to do, or not with this token.",
    404: "There is none, or none that you may see.",
    408: "Nothing came for a while in a request that sends something.",
    409: "It changed meanwhile, or the name is taken.",
    412: "It is not as `If-Match` has it: it changed meanwhile.",
    413: "Over a limit of the site.",
    422: "Something in the request cannot be used; the sentence says what.",
    429: "Asked too often; `Retry-After` says when to ask again.",
    503: "The hub or the database does not answer now.",
    507: "The site's disk is full; nothing was saved.",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of an operation's error answers, with those that all have."""
    return {
        status: {"model": ErrorBody, "description": _SENTENCES[status]}
        for status in sorted({*statuses, 401, 422, 429, 503})
    }


def number_of(name: str) -> Number:
    """Return what the services call a revision."""
    return "latest" if name == "latest" else int(name)
