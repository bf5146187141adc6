"""`/runner/{id}`: what the container of a run asks, with the token of this run alone."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.raw import TAR, bytes_of
from machinelabs_hub.labs.api.strangers import OneStranger
from machinelabs_hub.labs.errors import BadRequest
from machinelabs_hub.labs.models.run import Reason, RunState
from machinelabs_hub.labs.services.runner import BadRunToken, RunnerService
from machinelabs_hub.labs.session import parts_of
from machinelabs_hub.labs.storage.blobs import BlobWriter
from machinelabs_hub.labs.storage.run_events import EventGap

router = APIRouter(prefix="/runner/{run}", tags=["runner"])

RunId = Annotated[int, Path(ge=1, lt=2**62, description="The run's id.")]
Digest = Annotated[
    str,
    Header(alias="X-Sha256", pattern="^([0-9a-fA-F]{64})?$", description="Of the content, in hex."),
]
Token = Annotated[
    str, Header(alias="Authorization", max_length=200, description="`Bearer`, and the run's token.")
]
_PIECE: Final = 1 << 20
_MOST_EVENTS: Final = 20_000


class CodeBody(BaseModel):
    """The code of the run's ticket, and the token that its container will show from now on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    code: Annotated[str, Field(min_length=1, max_length=200)]
    token: Annotated[
        str,
        Field(
            pattern="^[A-Za-z0-9_-]{43,100}$",
            description="Random, and known to nobody else: at least 32 bytes, base64url.",
        ),
    ]


class RunInputBody(BaseModel):
    """A file that the code is to find in `inputs/`; `inputs/{name}` gives it."""

    name: str
    url: str


class RunMountBody(BaseModel):
    """A dataset that the code is to find in a folder; `mounts/{place}/files` lists its files."""

    place: int
    dataset: str
    at: str
    files: int
    bytes: int


class OutputLimitsBody(BaseModel):
    """How much a run may put out."""

    bytes: int
    files: int


class RunOrderBody(BaseModel):
    """What the container is to do."""

    files: Annotated[str, Field(description="Where the files are, below the run's address.")]
    lab: str
    number: int
    entrypoint: str
    kind: Literal["notebook", "script"]
    parameters: dict[str, Any]
    revision: int
    inputs: list[RunInputBody]
    mounts: list[RunMountBody]
    output_limits: OutputLimitsBody


class EventBody(BaseModel):
    """One event of a log; what else it says hangs on its kind."""

    model_config = ConfigDict(extra="allow")

    n: Annotated[int, Field(ge=1, lt=2**53)]
    at: Annotated[str, Field(max_length=40)]
    kind: Literal[
        "stdout", "stderr", "output", "update", "clear", "cell", "usage", "note", "input",
        "metric", "param", "tag",
    ]  # fmt: skip


class EventsBody(OneStranger, BaseModel):
    """A part of a log: events numbered from `first` on, without a gap. None is a sign of life."""

    model_config = ConfigDict(extra="forbid")

    first: Annotated[int, Field(ge=1, lt=2**53)]
    events: Annotated[list[EventBody], Field(max_length=_MOST_EVENTS, fail_fast=True)] = []


class GpuUseBody(BaseModel):
    """What the run does on its GPUs now. Null: the driver does not tell."""

    percent: Annotated[int | None, Field(description="Of what they can compute.")]
    memory_mib: int | None


class HeardBody(BaseModel):
    """How far the log is stored, and whether the run is to stop."""

    next: int
    stop: bool
    full: Annotated[
        bool, Field(description="Nothing more that is printed is kept: it need not be sent.")
    ] = False
    key: Annotated[
        str, Field(description="The sha256 of a key with which its person may look into it now.")
    ] = ""
    gpu: Annotated[
        GpuUseBody | None, Field(description="Goes into the next `usage` event of the run.")
    ] = None


class EndReasonBody(BaseModel):
    """Why a run ended."""

    model_config = ConfigDict(extra="ignore")

    code: Annotated[str, Field(max_length=100, description="Of a refusal that ended it.")] = ""

    sentence: Annotated[str, Field(max_length=100_000)] = ""
    cell: Annotated[int | None, Field(ge=0, lt=2**31)] = None
    ename: Annotated[str, Field(max_length=100_000)] = ""
    evalue: Annotated[str, Field(max_length=1_000_000)] = ""
    traceback: Annotated[list[str], Field(fail_fast=True)] = []


class EndBody(BaseModel):
    """How a run ended."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["finished", "failed", "stopped"]
    reason: EndReasonBody | None = None
    holds: Annotated[
        bool, Field(description="There is a kernel left that its person could look into.")
    ] = False


class EndedBody(BaseModel):
    """The final state of the run, which may have been decided before."""

    state: Literal["finished", "failed", "stopped", "lost"]
    held_seconds: Annotated[
        float, Field(description="So long it is to go on, for its person to look into it.")
    ] = 0


_EVENTS: Final = TypeAdapter(EventsBody)


def _described() -> dict[str, Any]:
    # The route reads the body itself, once it knows that the token is good.
    schema = EventsBody.model_json_schema()
    schema.pop("$defs")
    schema["properties"]["events"]["items"] = EventBody.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post("/exchange", responses=refusals(403))
def exchange_code(request: Request, run: RunId, body: CodeBody) -> RunOrderBody:
    """Take the single-use code of a run for a token, and learn what to do.

    Asked again with the same code and the same token, it says the same: the answer may be lost.
    """
    parts_of(request).visitors.take(f"run {run}", "This run showed very many codes.")
    found = service_of(request).exchange(run, body.code, body.token)
    return RunOrderBody.model_validate(
        {
            "files": "files",
            "lab": found.run.lab,
            "number": found.run.number,
            "entrypoint": found.run.path,
            "kind": found.run.kind.value,
            "parameters": found.run.parameters,
            "revision": found.run.revision,
            "inputs": [{"name": one.name, "url": one.url} for one in found.inputs],
            "mounts": [
                {
                    "place": one.place,
                    "dataset": one.dataset,
                    "at": one.at,
                    "files": one.files_count,
                    "bytes": one.size_bytes,
                }
                for one in found.mounts
            ],
            "output_limits": {"bytes": found.most_bytes, "files": found.most_files},
        }
    )


@router.get(
    "/files",
    response_class=StreamingResponse,
    responses=refusals(403, 404) | bytes_of("A tar of the revision.", TAR),
)
def read_run_files(request: Request, run: RunId, authorization: Token = "") -> Response:
    """Read the files of the run's revision as a tar."""
    service = service_of(request)
    found = service.run_of(run, token_in(authorization))
    return StreamingResponse(service.files(found), media_type=TAR)


@router.post(
    "/events",
    responses=refusals(403, 409, 413),
    response_model=HeardBody,
    openapi_extra={
        "requestBody": {"content": {"application/json": {"schema": _EVENTS.json_schema()}}}
    },
)
async def add_events(request: Request, run: RunId, authorization: Token = "") -> Response:
    """Add to the log; also the sign of life. What is stored already is left out.

    409 `event_gap` says with `next` from which event on to send again.
    """
    service = service_of(request)
    found = await run_in_threadpool(service.run_of, run, token_in(authorization))
    content = await request.body()

    def add() -> tuple[int, bool]:
        body = _read(_EVENTS, content)
        for number, event in enumerate(body.events, start=body.first):
            if event.n != number:
                raise BadRequest(
                    f"`events`: event {event.n} stands where {number} should.", field="events"
                )
        return service.add(found, body.first, [event.model_dump() for event in body.events])

    try:
        following, stop = await run_in_threadpool(add)
    except EventGap as gap:
        said = {"code": gap.code, "message": str(gap), "field": None, "next": gap.following}
        return JSONResponse(said, gap.status)
    is_full = await run_in_threadpool(service.is_log_full, found)
    heard: dict[str, Any] = {"next": following, "stop": stop}
    if is_full:
        heard["full"] = True
    if key := service.door_key(found):
        heard["key"] = key
    if use := service.gpu_use(found):
        heard["gpu"] = {"percent": use.percent, "memory_mib": use.memory_mib}
    return JSONResponse(heard)


@router.put(
    "/outputs/{path:path}",
    status_code=201,
    responses=refusals(403, 413, 507),
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}}},
)
async def put_output(
    request: Request, run: RunId, path: str, digest: Digest = "", authorization: Token = ""
) -> Response:
    """Keep a file that the run put out; the same path again takes its place."""
    service = service_of(request)
    found = await run_in_threadpool(service.run_of, run, token_in(authorization))
    room = await run_in_threadpool(service.room, found, path, _announced(request))
    with await run_in_threadpool(service.writer) as content:
        await _receive(request, content, room, lambda: service.too_large(path))
        await run_in_threadpool(service.keep, found, path, content, digest)
    return Response(status_code=201)


@router.delete("/outputs/{path:path}", status_code=204, responses=refusals(403))
def drop_output(request: Request, run: RunId, path: str, authorization: Token = "") -> Response:
    """Take back a file that the run put out and then deleted; none is as good."""
    service = service_of(request)
    service.drop(service.run_of(run, token_in(authorization)), path)
    return Response(status_code=204)


@router.put(
    "/notebook",
    status_code=201,
    responses=refusals(403, 413, 507),
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}}},
)
async def put_notebook(
    request: Request, run: RunId, digest: Digest = "", authorization: Token = ""
) -> Response:
    """Keep the executed notebook."""
    service = service_of(request)
    found = await run_in_threadpool(service.run_of, run, token_in(authorization))
    with await run_in_threadpool(service.writer) as content:
        await _receive(
            request, content, service.notebook_bytes, lambda: service.too_large(found.path)
        )
        await run_in_threadpool(service.keep_notebook, found, content, digest)
    return Response(status_code=201)


@router.post("/end", responses=refusals(403))
def end_run(request: Request, run: RunId, body: EndBody, authorization: Token = "") -> EndedBody:
    """Say how the run ended. A final state never changes."""
    service = service_of(request)
    found = service.run_of(run, token_in(authorization))
    said = body.reason
    reason = None
    if said is not None:
        reason = Reason(
            said.sentence, said.cell, said.ename, said.evalue, tuple(said.traceback), said.code
        )
    ended = service.end(found, RunState(body.state), reason, holds=body.holds)
    held = service.held_seconds(ended)
    return EndedBody.model_validate({"state": ended.state.value, "held_seconds": held})


def service_of(request: Request) -> RunnerService:
    """Return what answers containers."""
    return RunnerService(tools=parts_of(request).tools)


def token_in(header: str) -> str:
    """Return the token of a run from a header.

    Raises:
        BadRunToken: there is none.
    """
    kind, _, token = header.partition(" ")
    if kind.lower() not in {"bearer", "token"} or not token.strip():
        raise BadRunToken
    return token.strip()


def _read(kind: TypeAdapter[EventsBody], content: bytes) -> EventsBody:
    try:
        return kind.validate_json(content)
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(str(part) for part in fault["loc"])
        raise BadRequest(f"`{field}`: {fault['msg']}.", field=field) from error


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0


async def _receive(
    request: Request, content: BlobWriter, room: int, refusal: Callable[[], Exception]
) -> None:
    """Write a body as it comes, in few steps: each of them goes to another thread and back."""
    waiting = bytearray()
    async for chunk in request.stream():
        waiting += chunk
        if content.size + len(waiting) > room:
            raise refusal()
        if len(waiting) >= _PIECE:
            await run_in_threadpool(content.write, bytes(waiting))
            waiting.clear()
    if waiting:
        await run_in_threadpool(content.write, bytes(waiting))
