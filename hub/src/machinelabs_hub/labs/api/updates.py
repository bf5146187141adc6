"""`/labs/{owner}/{name}/update` and `/merge`: catch a fork, or a working copy of it, up."""

import json
import tarfile
from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.bodies import RevisionBody
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.multipart import described
from machinelabs_hub.labs.api.raw import TAR, bytes_of
from machinelabs_hub.labs.api.uploads import upload
from machinelabs_hub.labs.merge.report import CellChange, FileChange
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.updates import Preview
from machinelabs_hub.labs.services.working_copies import WorkingCopyService, WorkingMerge

router = APIRouter(prefix="/labs/{owner}/{name}", tags=["updates"], route_class=Once)

_REVISION: Final = Field(ge=1, lt=2**31)
_MERGED: Final = "A tar: `report.json` first, then under `files/` what is to be laid."


class CellChangeBody(BaseModel):
    """What happens to a cell of a notebook."""

    model_config = ConfigDict(frozen=True)

    number: Annotated[int, Field(description="Its place in the result; 0: it is gone.")]
    change: str
    kind: str
    mine: Annotated[str | None, Field(description="Its text as the fork has it.")]
    theirs: Annotated[str | None, Field(description="Its text as the original has it.")]
    result: Annotated[str | None, Field(description="Null in a conflict: both are there.")]
    note: str

    @classmethod
    def of(cls, cell: CellChange) -> Self:
        """Return the JSON of a cell's change."""
        return cls(
            number=cell.number,
            change=cell.change.value,
            kind=cell.kind,
            mine=cell.mine,
            theirs=cell.theirs,
            result=cell.result,
            note=cell.note,
        )


class FileChangeBody(BaseModel):
    """What happens to a file."""

    model_config = ConfigDict(frozen=True)

    path: str
    change: Literal["added", "changed", "removed", "merged", "conflict", "kept", "moved"]
    note: str
    conflicts: Annotated[int, Field(description="How many places are marked in it.")]
    beside: Annotated[str | None, Field(description="Where theirs is laid beside yours.")]
    cells: list[CellChangeBody]

    @classmethod
    def of(cls, change: FileChange) -> Self:
        """Return the JSON of a file's change."""
        return cls(
            path=change.path,
            change=change.change.value,
            note=change.note,
            conflicts=change.conflicts,
            beside=change.beside,
            cells=[CellChangeBody.of(cell) for cell in change.cells],
        )


class UpdateBody(BaseModel):
    """What an update of a fork would do; its `ETag` holds an apply to it."""

    model_config = ConfigDict(frozen=True)

    lab: str
    mine: Annotated[int, Field(description="The fork's newest revision.")]
    original: str
    base: Annotated[int, Field(description="The original's revision that is merged in.")]
    to: Annotated[int, Field(description="The original's revision that would be merged in.")]
    conflicts: int
    files: list[FileChangeBody]

    @classmethod
    def of(cls, found: Preview) -> Self:
        """Return the JSON of a preview."""
        return cls(
            lab=found.lab.path,
            mine=found.mine.number,
            original=found.original.path,
            base=found.base,
            to=found.to.number,
            conflicts=found.merged.conflicts,
            files=[FileChangeBody.of(change) for change in found.merged.changes],
        )


class UpdateAskedBody(BaseModel):
    """Up to where to update."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: Annotated[int | None, _REVISION, Field(description="Null: the original's newest.")] = None


class MergeAskedBody(BaseModel):
    """What a working copy is merged with, and what it stands on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: Annotated[
        Literal["newest", "original"],
        Field(description="The lab's newest revision, or that of the lab it is a fork of."),
    ]
    base: Annotated[int, _REVISION, Field(description="The revision that it was made on.")]
    synced: Annotated[
        int | None,
        _REVISION,
        Field(description="For `original`: its revision that is in it; null: as in the fork."),
    ] = None


@router.get("/update", responses=refusals(403, 404, 409, 413))
def preview_update(
    response: Response,
    ctx: Ctx,
    owner: Owner,
    name: Name,
    to: Annotated[int | None, Query(ge=1, lt=2**31, description="Up to r`to`.")] = None,
) -> UpdateBody:
    """Say what an update from the original would do; 409 `up_to_date` if nothing."""
    found = ctx.updates.preview(owner, name, to=to)
    response.headers["ETag"] = f'"{found.fingerprint}"'
    return UpdateBody.of(found)


@router.post("/update", status_code=201, responses=refusals(403, 404, 409, 412, 413, 507))
def apply_update(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    body: UpdateAskedBody | None = None,
    if_match: Annotated[
        str, Header(max_length=100, description="The `ETag` of the preview that was seen.")
    ] = "",
) -> RevisionBody:
    """Update a fork from its original; 412 `stale_update` if it is not what was seen."""
    to = body.to if body else None
    expected = "" if if_match.strip() == "*" else if_match.strip().removeprefix("W/").strip('"')
    return RevisionBody.of(ctx.updates.apply(owner, name, to=to, expected=expected)[0])


@router.post("/update/undo", status_code=201, responses=refusals(403, 404, 409, 507))
def undo_update(ctx: Ctx, owner: Owner, name: Name) -> RevisionBody:
    """Take the last update back, if nothing was published since."""
    return RevisionBody.of(ctx.updates.undo(owner, name))


@router.post(
    "/merge",
    response_class=StreamingResponse,
    responses=refusals(403, 404, 409, 413, 507) | bytes_of(_MERGED, TAR),
    openapi_extra=described("merge", MergeAskedBody),
)
async def merge_working_copy(request: Request, ctx: Ctx, owner: Owner, name: Name) -> Response:
    """Merge your own files with what is newer, and get them back; nothing is stored."""
    service = ctx.working_copies
    await run_in_threadpool(service.check_may_merge, owner, name)
    async with upload(request, ctx.settings, said="merge") as sent:
        asked = sent.body(MergeAskedBody)

        def merge() -> WorkingMerge:
            if asked.source == "newest":
                return service.with_newest(owner, name, base=asked.base, files=sent.files)
            return service.with_original(
                owner, name, base=asked.base, synced=asked.synced, files=sent.files
            )

        found = await run_in_threadpool(merge)
    return StreamingResponse(_packed(service, found), media_type=TAR)


def _packed(service: WorkingCopyService, found: WorkingMerge) -> Iterator[bytes]:
    report = {
        "theirs": found.theirs.path,
        "base": found.base,
        "to": found.to.number,
        "files": [FileChangeBody.of(change).model_dump() for change in found.merged.changes],
        "lay": list(found.laid),
        "remove": list(found.removed),
        "newest": {entry.path: entry.sha256 for entry in found.newest},
    }
    said = json.dumps(report, ensure_ascii=False).encode("utf-8", "replace")
    yield from _member("report.json", len(said), iter((said,)))
    for path in found.laid:
        yield from _member(f"files/{path}", *service.content(found, path))
    yield b"\0" * tarfile.BLOCKSIZE * 2


def _member(path: str, size: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    head = tarfile.TarInfo(path)
    head.size = size
    yield head.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    yield from pieces
    yield b"\0" * (-size % tarfile.BLOCKSIZE)
