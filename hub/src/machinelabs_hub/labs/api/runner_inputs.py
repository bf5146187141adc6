"""`/runner/{id}/inputs`: what a run's code is to find in `inputs/`, for its container alone."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.ranges import part_of
from machinelabs_hub.labs.api.raw import bytes_of, file_headers
from machinelabs_hub.labs.api.runner import RunId, Token, service_of, token_in
from machinelabs_hub.labs.services.inputs import Standing

router = APIRouter(prefix="/runner/{run}/inputs", tags=["runner"])

InputName = Annotated[str, Path(max_length=1024, description="Below `inputs/`.")]
_BYTES: Final = "application/octet-stream"


class StandingBody(BaseModel):
    """How far an input is. `refused` is the end of it: `code` and `message` say why."""

    state: Literal["fetching", "ready", "refused"]
    received: Annotated[int, Field(description="Bytes of it that the site has.")]
    total: Annotated[int, Field(description="Bytes that it has; 0: not known yet.")]
    sha256: Annotated[str, Field(description="Of one that is ready.")] = ""
    is_kept: Annotated[bool, Field(description="The site had it before anybody asked.")] = False
    code: str = ""
    message: str = ""

    @classmethod
    def of(cls, standing: Standing) -> "StandingBody":
        """Return a standing as it is told."""
        why = standing.refusal
        return cls(
            state=standing.state.value,
            received=standing.received,
            total=standing.total,
            sha256=standing.sha256,
            is_kept=standing.is_kept,
            code=why.code if why else "",
            message=str(why) if why else "",
        )


@router.post("/{name:path}", responses=refusals(403, 404))
def ask_for_input(
    request: Request, run: RunId, name: InputName, authorization: Token = ""
) -> StandingBody:
    """Ask for an input, and again until it is ready: the site fetches it meanwhile."""
    service = service_of(request)
    found = service.run_of(run, token_in(authorization))
    return StandingBody.of(service.ask_input(found, name))


@router.get(
    "/{name:path}",
    response_class=StreamingResponse,
    responses=refusals(403, 404) | bytes_of("The file.", _BYTES),
)
def read_input(
    request: Request, run: RunId, name: InputName, authorization: Token = ""
) -> Response:
    """Read an input that is ready, or a part of it (`Range`); its ETag is its SHA-256."""
    service = service_of(request)
    found = service.run_of(run, token_in(authorization))
    file = service.input(found, name)
    headers = file_headers(file.name, file.sha256) | {"Accept-Ranges": "bytes"}
    part = part_of(
        request.headers.get("range", ""),
        file.size,
        tag=headers["ETag"],
        if_range=request.headers.get("if-range", ""),
    )
    start, size = (part.start, part.size) if part else (0, file.size)
    headers["Content-Length"] = str(size)
    if part:
        headers["Content-Range"] = f"bytes {start}-{start + size - 1}/{file.size}"
    pieces = service.read_input(found, file, start=start, size=size)
    return StreamingResponse(pieces, 206 if part else 200, headers=headers, media_type=_BYTES)
