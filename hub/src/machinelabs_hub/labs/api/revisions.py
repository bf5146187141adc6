"""`/labs/{owner}/{name}/revisions`: publish the next, list, restore, read their files."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from machinelabs_hub.labs.api.addresses import Name, Owner, RevisionName, number_of, refusals
from machinelabs_hub.labs.api.bodies import (
    FileBody,
    FilesBody,
    RestoreBody,
    RevisionBody,
    RevisionDraftBody,
    RevisionsBody,
)
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.match import IfMatch, matched
from machinelabs_hub.labs.api.multipart import described
from machinelabs_hub.labs.api.raw import SHOWN, TAR, bytes_of, file_headers, type_of
from machinelabs_hub.labs.api.uploads import upload
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.models.revision import Revision
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/labs/{owner}/{name}/revisions", tags=["revisions"], route_class=Once)

RevisionNumber = Annotated[int, Path(ge=1, lt=10**9, description="A revision's number.")]


@router.get("", responses=refusals(404))
def list_revisions(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    cursor: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> RevisionsBody:
    """List the revisions of a lab, the newest first, a page at a time."""
    lab = ctx.labs.get(owner, name)
    return RevisionsBody.of(ctx.revisions.list(lab, cursor=cursor, limit=limit))


@router.post(
    "",
    status_code=201,
    responses={
        200: {"model": RevisionBody, "description": "Nothing changed; the newest revision."},
        **refusals(403, 404, 409, 412, 413, 507),
    },
    openapi_extra=described("revision", RevisionDraftBody),
)
async def publish_revision(
    request: Request,
    response: Response,
    ctx: Ctx,
    owner: Owner,
    name: Name,
    if_match: IfMatch = "",
) -> RevisionBody:
    """Publish the next revision; 409 `stale_revision` if `base` is not the newest."""
    await run_in_threadpool(ctx.revisions.check_may_publish, owner, name)
    async with upload(request, ctx.settings, said="revision") as sent:
        said = sent.body(RevisionDraftBody)

        def publish() -> tuple[Revision, bool]:
            with matched(ctx, owner, name, if_match):
                return ctx.revisions.publish(
                    owner,
                    name,
                    base=said.base,
                    message=said.message,
                    files=sent.files,
                    synced=ctx.updates.synced(owner, name, said.synced),
                )

        revision, is_new = await run_in_threadpool(publish)
    response.status_code = 201 if is_new else 200
    return RevisionBody.of(revision)


@router.post(
    "/{number}/restore",
    status_code=201,
    responses={
        200: {"model": RevisionBody, "description": "The newest has these files already."},
        **refusals(403, 404, 409, 412, 507),
    },
)
def restore_revision(
    response: Response,
    ctx: Ctx,
    owner: Owner,
    name: Name,
    number: RevisionNumber,
    body: RestoreBody | None = None,
    if_match: IfMatch = "",
) -> RevisionBody:
    """Publish the files of an earlier revision again, as the next one."""
    said = body or RestoreBody()
    with matched(ctx, owner, name, if_match):
        revision, is_new = ctx.revisions.restore(
            owner, name, number, base=said.base, message=said.message
        )
    response.status_code = 201 if is_new else 200
    return RevisionBody.of(revision)


@router.get("/{revision}/files", responses=refusals(404))
def list_files(ctx: Ctx, owner: Owner, name: Name, revision: RevisionName) -> FilesBody:
    """List the files of a revision."""
    lab = ctx.labs.get(owner, name)
    found = ctx.revisions.find(lab, number_of(revision))
    files = ctx.revisions.files(lab, found.number)
    return FilesBody(revision=found.number, files=[FileBody.of(entry) for entry in files])


@router.get(
    "/{revision}/files/{path:path}",
    response_class=StreamingResponse,
    responses=refusals(404) | bytes_of("The file.", "application/octet-stream", *SHOWN),
)
def read_file(
    request: Request, ctx: Ctx, owner: Owner, name: Name, revision: RevisionName, path: str
) -> Response:
    """Read one file; never shown as a page of this site."""
    lab = ctx.labs.get(owner, name)
    entry, pieces = ctx.revisions.open(lab, number_of(revision), path)
    headers = file_headers(entry.name, entry.sha256)
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    headers["Content-Length"] = str(entry.size)
    return StreamingResponse(pieces, headers=headers, media_type=type_of(entry.name))


@router.get(
    "/{revision}/archive",
    response_class=StreamingResponse,
    responses=refusals(404) | bytes_of("A tar of all files.", TAR),
)
def read_archive(ctx: Ctx, owner: Owner, name: Name, revision: RevisionName) -> Response:
    """Read all files of a revision as a tar."""
    lab = ctx.labs.get(owner, name)
    found = ctx.revisions.find(lab, number_of(revision))
    file = f"{lab.name}-r{found.number}.tar"
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    pieces = ctx.revisions.archive(lab, found.number)
    return StreamingResponse(pieces, headers=headers, media_type=TAR)
