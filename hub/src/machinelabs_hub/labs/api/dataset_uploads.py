"""`/datasets/{owner}/{name}/uploads`: the next version, said first, then sent in parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.dataset_bodies import (
    DatasetName,
    DatasetOwner,
    OpenUploadBody,
    OpenUploadsBody,
    ReceivedBody,
    UploadBody,
    UploadDraftBody,
    VersionBody,
)
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.match import IfMatch, matched_dataset
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.storage.partials import PartGap

router = APIRouter(prefix="/datasets/{owner}/{name}/uploads", tags=["datasets"], route_class=Once)

UploadId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
ContentName = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="Its SHA-256, in hex.")]
_PIECE: Final = 1 << 20
SILENCE_SECONDS: Final = 60.0
"""So long nothing may come of a content before somebody else may send it."""


class UploadSilent(MachineLabsError):
    """Nothing came for a while in a request that sends a content."""

    code = "upload_silent"
    status = HTTPStatus.REQUEST_TIMEOUT


@router.post("", status_code=201, responses=refusals(403, 404, 409, 413))
def begin_upload(
    ctx: Ctx, owner: DatasetOwner, name: DatasetName, body: UploadDraftBody
) -> UploadBody:
    """Say what the next version is to hold; contents that the dataset has need not be sent."""
    upload = ctx.dataset_uploads.begin(owner, name, body.message, body.announced())
    return UploadBody.of(upload, ctx.dataset_uploads.files(upload))


@router.get("", responses=refusals(403, 404))
def list_uploads(ctx: Ctx, owner: DatasetOwner, name: DatasetName) -> OpenUploadsBody:
    """List your uploads to a dataset that are not finished: they count against your plan."""
    found = ctx.dataset_uploads.open(owner, name)
    return OpenUploadsBody(items=[OpenUploadBody.of(one) for one in found])


@router.get("/{upload}", responses=refusals(403, 404))
def get_upload(ctx: Ctx, owner: DatasetOwner, name: DatasetName, upload: UploadId) -> UploadBody:
    """Read what of an upload of yours has to be sent still."""
    found = ctx.dataset_uploads.get(owner, name, upload)
    return UploadBody.of(found, ctx.dataset_uploads.files(found))


@router.get("/{upload}/contents/{sha256}", responses=refusals(403, 404, 409))
def get_received(
    ctx: Ctx, owner: DatasetOwner, name: DatasetName, upload: UploadId, sha256: ContentName
) -> ReceivedBody:
    """Read how much of a content is here: from there on it is to be sent."""
    found = ctx.dataset_uploads.get(owner, name, upload)
    received, size = ctx.dataset_uploads.received(found, sha256)
    return ReceivedBody(received=received, size=size)


@router.put(
    "/{upload}/contents/{sha256}",
    responses=refusals(403, 404, 408, 409, 413, 507),
    response_model=ReceivedBody,
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}}},
)
async def send_content(
    request: Request,
    ctx: Ctx,
    owner: DatasetOwner,
    name: DatasetName,
    upload: UploadId,
    sha256: ContentName,
    at: Annotated[int, Query(ge=0, lt=2**53, description="Where this part begins.")] = 0,
) -> Response:
    """Send a content, or its part that begins at byte `at`; what came of it stays.

    409 `part_gap` says with `received` from which byte on to go on.
    """
    uploads = ctx.dataset_uploads
    found = await run_in_threadpool(uploads.get, owner, name, upload)
    try:
        with ExitStack() as held:
            sending = await run_in_threadpool(
                held.enter_context, uploads.sending(found, sha256, at)
            )
            waiting = bytearray()
            async for chunk in _heard(request):
                waiting += chunk
                if len(waiting) >= _PIECE:
                    await run_in_threadpool(sending.write, bytes(waiting))
                    waiting.clear()
            if waiting:
                await run_in_threadpool(sending.write, bytes(waiting))
            await run_in_threadpool(sending.end)
    except PartGap as gap:
        said = {"code": gap.code, "message": str(gap), "field": None, "received": gap.received}
        return JSONResponse(said, gap.status)
    received, size = await run_in_threadpool(uploads.received, found, sha256)
    return JSONResponse({"received": received, "size": size})


async def _heard(request: Request) -> AsyncIterator[bytes]:
    """Yield what comes, as long as something does: nobody else can send this content meanwhile."""
    coming = aiter(request.stream())
    while True:
        try:
            chunk = await asyncio.wait_for(anext(coming), SILENCE_SECONDS)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise UploadSilent(
                f"Nothing came of this file for {SILENCE_SECONDS:g} seconds. Send the rest of it."
            ) from error
        yield chunk


@router.post("/{upload}/finish", status_code=201, responses=refusals(403, 404, 409, 412, 507))
def finish_upload(
    ctx: Ctx, owner: DatasetOwner, name: DatasetName, upload: UploadId, if_match: IfMatch = ""
) -> VersionBody:
    """Make the version, now that all of it is here."""
    found = ctx.dataset_uploads.get(owner, name, upload)
    with matched_dataset(ctx, owner, name, if_match):
        made = ctx.dataset_uploads.finish(owner, name, found)
    return VersionBody.of(ctx, made)


@router.delete("/{upload}", status_code=204, responses=refusals(403, 404))
def give_up_upload(ctx: Ctx, owner: DatasetOwner, name: DatasetName, upload: UploadId) -> None:
    """Give an upload up: what came of it is gone."""
    ctx.dataset_uploads.give_up(ctx.dataset_uploads.get(owner, name, upload))
