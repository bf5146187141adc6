"""`ETag` and `If-Match`: change a lab only if it is still as it was when it was read."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated

from fastapi import Header

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab

IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=1000,
        description="The lab's `ETag` as you read it: refused with 412 if it changed since.",
    ),
]


class Stale(MachineLabsError):
    """The lab is not as it was when it was read."""

    code = "stale"
    status = HTTPStatus.PRECONDITION_FAILED

    def __init__(self, lab: Lab) -> None:
        super().__init__(f"{lab.path} was changed meanwhile. Read it again and repeat the change.")


def etag(lab: Lab) -> str:
    """Return the ETag of a lab: it changes with its details and its revisions."""
    text = f"{lab.uid} {lab.path} {lab.revision} {lab.updated_at.isoformat()}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


@contextmanager
def matched(ctx: Context, owner: str, name: str, if_match: str) -> Iterator[None]:
    """Do the block only if the lab is as `if_match` has it; nobody else changes it meanwhile.

    Raises:
        Stale: it is not.
    """
    if not if_match.strip():
        yield
        return
    lab = ctx.labs.get(owner, name)
    with ctx.tools.locks.hold(lab.uid):
        lab = ctx.labs.get(owner, name)
        wanted = {tag.strip() for tag in if_match.split(",")}
        if not wanted & {"*", etag(lab)}:
            raise Stale(lab)
        yield
