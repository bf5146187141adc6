"""`/datasets/{owner}/{name}/versions`: the states of a dataset, and their files."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.dataset_bodies import (
    DatasetFilesBody,
    DatasetName,
    DatasetOwner,
    FromRunBody,
    VersionBody,
    VersionName,
    VersionsBody,
)
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.match import IfMatch, matched_dataset
from machinelabs_hub.labs.api.ranges import part_of
from machinelabs_hub.labs.api.raw import SHOWN, bytes_of, file_headers, type_of
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/datasets/{owner}/{name}/versions", tags=["datasets"], route_class=Once)


@router.get("", responses=refusals(404))
def list_versions(
    ctx: Ctx,
    owner: DatasetOwner,
    name: DatasetName,
    cursor: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> VersionsBody:
    """List the versions of a dataset, the newest first."""
    found = ctx.datasets.versions(ctx.datasets.get(owner, name), cursor=cursor, limit=limit)
    return VersionsBody(items=[VersionBody.of(ctx, one) for one in found.items], next=found.next)


@router.post("", status_code=201, responses=refusals(403, 404, 409, 412, 413))
def use_run_as_version(
    ctx: Ctx, owner: DatasetOwner, name: DatasetName, body: FromRunBody, if_match: IfMatch = ""
) -> VersionBody:
    """Make the next version of what a run put out; nothing is copied."""
    of, _, lab = body.lab.partition("/")
    run = ctx.runs.get(ctx.labs.get(of, lab), body.run)
    with matched_dataset(ctx, owner, name, if_match):
        made = ctx.run_datasets.make(owner, name, run, folder=body.folder, message=body.message)
    return VersionBody.of(ctx, made)


@router.get("/{version}", responses=refusals(404))
def get_version(
    ctx: Ctx, owner: DatasetOwner, name: DatasetName, version: VersionName
) -> VersionBody:
    """Read a version."""
    dataset = ctx.datasets.get(owner, name)
    return VersionBody.of(ctx, ctx.datasets.version(dataset, _number(version)))


@router.get("/{version}/files", responses=refusals(404))
def list_dataset_files(
    ctx: Ctx,
    owner: DatasetOwner,
    name: DatasetName,
    version: VersionName,
    cursor: Annotated[str, Query(max_length=6000, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = MOST,
) -> DatasetFilesBody:
    """List the files of a version, by path."""
    found = ctx.datasets.version(ctx.datasets.get(owner, name), _number(version))
    return DatasetFilesBody.of(ctx.datasets.files(found, cursor=cursor, limit=limit))


@router.get(
    "/{version}/files/{path:path}",
    response_class=StreamingResponse,
    responses=refusals(404) | bytes_of("The file.", "application/octet-stream", *SHOWN),
)
def read_dataset_file(
    request: Request,
    ctx: Ctx,
    owner: DatasetOwner,
    name: DatasetName,
    version: VersionName,
    path: str,
) -> Response:
    """Read one file of a version, or a part of it (`Range`)."""
    dataset = ctx.datasets.get(owner, name)
    file = ctx.datasets.file(dataset, ctx.datasets.version(dataset, _number(version)), path)
    headers = file_headers(file.name, file.sha256) | {"Accept-Ranges": "bytes"}
    tag, asked = headers["ETag"], request.headers
    if tag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    part = part_of(asked.get("range", ""), file.size, tag=tag, if_range=asked.get("if-range", ""))
    start, size = (part.start, part.size) if part else (0, file.size)
    headers["Content-Length"] = str(size)
    if part:
        headers["Content-Range"] = f"bytes {start}-{start + size - 1}/{file.size}"
    pieces = ctx.datasets.content(file, start=start, size=size)
    return StreamingResponse(
        pieces, 206 if part else 200, headers=headers, media_type=type_of(file.name)
    )


def _number(version: str) -> int | None:
    return None if version == "latest" else int(version)
