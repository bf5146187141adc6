"""A run as it goes: rows of its log and changed parts of its page, sent as they come."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.pages.addresses import content_address
from machinelabs_hub.labs.pages.run_curves import PART, metrics_of
from machinelabs_hub.labs.pages.run_parts import mark_of, parts_of, run_url, use_of
from machinelabs_hub.labs.pages.run_screens import News, RunScreen, screen_of
from machinelabs_hub.labs.render.run_use import Use
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.streams import HEADERS, SSE, ended

router = APIRouter()

QUIET_SECONDS: Final = 10
"""After so long without news a word is sent: the page knows by it that somebody is still there."""

PAUSE_SECONDS: Final = 0.05
"""Between two messages: what comes within goes together."""

DRAW_SECONDS: Final = 1.0
"""Between two drawings of what is measured."""

LOOK_SECONDS: Final = 10.0
"""At least so often it is looked whether the reader may still read."""


@router.get("/{owner}/{name}/runs/{number}/live", include_in_schema=False)
async def live(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    number: int,
    after: int = 0,
    mark: str = "",
) -> StreamingResponse:
    """Send what is new after the event `after`, until the run is over."""
    again = request.headers.get("last-event-id", "")
    after = int(again) if again.isdecimal() else after
    watch = await run_in_threadpool(_Watch.begin, request, ctx, owner, name, number, after, mark)
    pieces = ended(_messages(ctx, watch), f"the live page of run {watch.run.id}")
    return StreamingResponse(pieces, media_type=SSE, headers=HEADERS)


async def _messages(ctx: Context, watch: "_Watch") -> AsyncIterator[str]:
    with ctx.tools.bells.listen(watch.run.id) as bell:
        yield "retry: 2000\n\n"
        while True:
            text = await run_in_threadpool(watch.take, is_due=bell.take_state())
            if text:
                yield text
            if watch.is_over:
                yield "event: end\ndata: {}\n\n"
                return
            await asyncio.sleep(PAUSE_SECONDS)
            is_behind = watch.is_behind
            if not await bell.wait(DRAW_SECONDS if is_behind else QUIET_SECONDS) and not is_behind:
                # A comment would not reach the page's script.
                yield "event: beat\ndata: {}\n\n"


@dataclass(slots=True)
class _Watch:
    """What one watcher has seen of a run."""

    request: Request
    ctx: Context
    lab: Lab
    run: Run
    screen: RunScreen
    at: int
    mark: str
    is_over: bool = False
    looked: float = float("-inf")
    now: Use | None = None
    parts: dict[str, str] = field(default_factory=dict)
    tracked: int = 0
    drawn: float = float("-inf")
    is_behind: bool = False
    """Whether more was measured than is drawn."""

    @classmethod
    def begin(
        cls, request: Request, ctx: Context, owner: str, name: str, number: int, at: int, mark: str
    ) -> "_Watch":
        """Return a new one, of a run that the reader may see."""
        lab = ctx.labs.get(owner, name)
        run = ctx.runs.get(lab, number)
        return cls(request, ctx, lab, run, screen_of(ctx, run), at, mark)

    def take(self, *, is_due: bool) -> str:
        """Return the messages of all that is new; `is_due`: the row changed."""
        # The row before the log: what is written before the end is there once the end is seen.
        is_due = is_due or time.monotonic() - self.looked >= LOOK_SECONDS
        if is_due:
            self.lab = self.ctx.labs.get(self.lab.owner, self.lab.name)
            self.run = self.ctx.runs.get(self.lab, self.run.number)
            self.looked = time.monotonic()
        news = self.screen.news(self.at, content_address(self.lab, self.run.revision))
        said = ""
        if news.rows:
            rows = json.dumps(news.rows, ensure_ascii=False)
            said = f"event: rows\nid: {news.at}\ndata: {rows}\n\n"
        self.at = max(self.at, news.at)
        is_measured = news.tracked > self.tracked and self._may_draw()
        if is_due or is_measured or news.now != self.now:
            said += self._changed(news, is_due=is_due)
        self.is_behind = news.tracked > self.tracked
        self.is_over = is_due and self.run.state.is_final
        return said

    def _may_draw(self) -> bool:
        return time.monotonic() - self.drawn >= DRAW_SECONDS

    def _changed(self, news: News, *, is_due: bool) -> str:
        """Return the message of the parts that are not as this watcher has them."""
        self.now = news.now
        if is_due:
            parts = parts_of(self.request, self.ctx, self.lab, self.run, news)
        else:
            parts = self.parts | use_of(self.request, self.ctx, self.run, news)
        if is_due or news.tracked > self.tracked:
            here = run_url(self.lab, self.run.number)
            self.tracked, parts[PART] = metrics_of(self.request, self.ctx, self.run, here)
            self.drawn = time.monotonic()
        if not self.parts and mark_of(parts) == self.mark:
            self.parts = parts
        new = {name: html for name, html in parts.items() if self.parts.get(name) != html}
        self.parts = parts
        return f"event: parts\ndata: {json.dumps(new, ensure_ascii=False)}\n\n" if new else ""
