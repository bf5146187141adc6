"""`/runner/{id}/mounts`: datasets that a run's code is to find, for its container alone."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.dataset_bodies import DatasetFilesBody
from machinelabs_hub.labs.api.ranges import part_of
from machinelabs_hub.labs.api.raw import bytes_of, file_headers
from machinelabs_hub.labs.api.runner import RunId, Token, service_of, token_in
from machinelabs_hub.labs.services import run_mounts
from machinelabs_hub.labs.session import parts_of

router = APIRouter(prefix="/runner/{run}/mounts/{place}/files", tags=["runner"])

Place = Annotated[int, Path(ge=0, lt=1000)]
MOST: Final = 1000
_BYTES: Final = "application/octet-stream"


@router.get("", responses=refusals(403, 404))
def list_mounted_files(
    request: Request,
    run: RunId,
    place: Place,
    cursor: Annotated[str, Query(max_length=6000)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
    authorization: Token = "",
) -> DatasetFilesBody:
    """List the files of a mount, by path."""
    found = service_of(request).run_of(run, token_in(authorization))
    tools = parts_of(request).tools
    return DatasetFilesBody.of(run_mounts.files_of(tools, found, place, cursor=cursor, limit=limit))


@router.get(
    "/{path:path}",
    response_class=StreamingResponse,
    responses=refusals(403, 404) | bytes_of("The file.", _BYTES),
)
def read_mounted_file(
    request: Request, run: RunId, place: Place, path: str, authorization: Token = ""
) -> Response:
    """Read a file of a mount, or a part of it (`Range`); its ETag is its SHA-256."""
    found = service_of(request).run_of(run, token_in(authorization))
    tools = parts_of(request).tools
    file = run_mounts.file_of(tools, found, place, path)
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
    pieces = run_mounts.read(tools, file, start, size)
    return StreamingResponse(pieces, 206 if part else 200, headers=headers, media_type=_BYTES)
