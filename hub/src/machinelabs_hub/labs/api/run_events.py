"""`/labs/{owner}/{name}/runs/{number}/events` and `/log`: what a run prints, while it does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.run_bodies import RunBody, RunEventsBody
from machinelabs_hub.labs.api.runs import RunNumber
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.models.run_text import text_of
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.storage.run_events import EventReader, number_of
from machinelabs_hub.labs.streams import HEADERS, SSE, ended

router = APIRouter(prefix="/labs/{owner}/{name}/runs/{number}", tags=["runs"])

TEXT: Final = "text/plain"
_SILENCE: Final = 15.0
"""Seconds after which a stream says that it is still there, and asks who may read it."""

_GATHER: Final = 0.05
"""Seconds in which what comes is sent as one piece: for each, every watcher is served anew."""


@router.get(
    "/events",
    response_model=RunEventsBody,
    responses=refusals(404)
    | {
        200: {
            "description": "A page of events, or for `Accept: text/event-stream` all of them as "
            "they come: `id` is `n`, `data` the event; `event: run` tells of the run's state, "
            "`event: end` that all is told.",
            "content": {SSE: {"schema": {"type": "string"}}},
        }
    },
)
async def read_run_events(
    request: Request,
    ctx: Ctx,
    owner: Owner,
    name: Name,
    number: RunNumber,
    after: Annotated[int, Query(ge=0, lt=2**53, description="Events after this one.")] = 0,
    limit: Annotated[int, Query(ge=1, le=5000, description="Of a page.")] = 1000,
    last: Annotated[
        str, Header(alias="Last-Event-ID", pattern="^[0-9]{0,15}$", description="As `after`.")
    ] = "",
) -> Response:
    """Read a run's log event by event: what is there, or all that comes."""
    run = await run_in_threadpool(_run, ctx, owner, name, number)
    start = max(after, int(last or 0))
    reader = await run_in_threadpool(ctx.runs.log, run, after=start)
    if SSE in request.headers.get("accept", ""):
        pieces = ended(_live(ctx, (owner, name, number), reader), f"the events of run {run.id}")
        return StreamingResponse(pieces, media_type=SSE, headers=HEADERS)
    lines = await run_in_threadpool(reader.read, most=limit)
    following = None if reader.is_at_end else reader.after
    # The lines are JSON as they lie there.
    ends = {"next": following, "is_final": run.state.is_final}
    content = b'{"items":[%b],%b' % (b",".join(lines), json.dumps(ends).encode()[1:])
    return Response(content, media_type="application/json")


@router.get(
    "/log",
    response_class=StreamingResponse,
    responses=refusals(404)
    | {
        200: {"description": "The text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
)
def read_run_log(ctx: Ctx, owner: Owner, name: Name, number: RunNumber) -> Response:
    """Read all that a run printed so far as plain text, colours and all."""
    run = _run(ctx, owner, name, number)
    file = f"{name}-run-{run.number}.txt"
    headers = {
        "Content-Disposition": f'attachment; filename="{file}"',
        "Cache-Control": "no-store",
    }
    pieces = _text(ctx.runs.log(run))
    return StreamingResponse(pieces, headers=headers, media_type=f"{TEXT}; charset=utf-8")


def _run(ctx: Context, owner: str, name: str, number: int) -> Run:
    return ctx.runs.get(ctx.labs.get(owner, name), number)


def _text(reader: EventReader) -> Iterator[bytes]:
    while lines := reader.read():
        yield "".join(text_of(json.loads(line)) for line in lines).encode("utf-8", "replace")


async def _live(
    ctx: Context, place: tuple[str, str, int], reader: EventReader
) -> AsyncIterator[bytes]:
    owner, name, number = place

    def look() -> tuple[Run, bytes]:
        lab = ctx.labs.get(owner, name)
        run = ctx.runs.get(lab, number)
        return run, _frame(RunBody.of(ctx, lab, run).model_dump_json().encode(), event="run")

    run, told = await run_in_threadpool(look)
    with ctx.tools.bells.listen(run.id) as bell:
        run, told = await run_in_threadpool(look)
        yield told
        looked = time.monotonic()
        while True:
            # The state first: what was printed is stored before a run says that it is over.
            if bell.take_state() or time.monotonic() - looked > _SILENCE:
                before = told
                # Whoever may not read it any more reads no more of it.
                run, told = await run_in_threadpool(look)
                looked = time.monotonic()
                if told != before:
                    yield told
            lines = await run_in_threadpool(reader.read)
            if lines:
                yield _frames(lines)
                if reader.is_at_end:
                    await asyncio.sleep(_GATHER)
                continue
            if run.state.is_final:
                yield _frame(b"{}", event="end")
                return
            if not await bell.wait(_SILENCE):
                yield b": nothing new\n\n"


def _frames(lines: list[bytes]) -> bytes:
    return b"".join(b"id: %d\ndata: %b\n\n" % (number_of(line), line) for line in lines)


def _frame(data: bytes, *, event: str) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
