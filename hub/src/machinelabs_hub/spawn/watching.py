"""Watch what servers do with their GPUs, beside the Hub's web server: who idles, who takes more.

Nobody is stopped for what is not known: a sampler that is away is no idle card.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.gpu.desk import GpuDesk
from machinelabs_hub.gpu.idle import Idleness, did, follow, judge
from machinelabs_hub.gpu.keeps import Keeps
from machinelabs_hub.gpu.model import Claim, Holder
from machinelabs_hub.gpu.overuse import Over, is_due, overuse, stopped, told
from machinelabs_hub.plans.model import Notice
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import database_url
from machinelabs_hub.spawn.engine import Engine, engine_for
from machinelabs_hub.spawn.farewell import farewell
from machinelabs_hub.spawn.orders import servers
from machinelabs_hub.tickets import is_run

LOOK_SECONDS: Final = 5.0
SHOWN: Final = timedelta(minutes=10)
"""How long people are told what was stopped."""

IDLES: Final = (
    "This server's GPU idles, and others may need it. If nothing computes, what is open is saved "
    "and the server stops."
)

IDLE: Final = "idle"
SHARE: Final = "share"


class GpuWatch:
    """What each claim's container did lately, and what its people were told of it."""

    def __init__(
        self,
        *,
        app: Any,
        desk: GpuDesk,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app = app
        self._desk = desk
        self._gpus = settings.gpus
        self._clock = clock
        self._engine: Engine = engine_for(settings.engine)
        sessions = session_maker(open_engine(database_url(settings)))
        self._notices = NoticeTable(sessions=sessions)
        self._keeps = Keeps(sessions)
        self._idleness: dict[str, Idleness] = {}
        self._over: dict[tuple[str, str], Over] = {}
        self._works: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once at every server that is ready and holds GPUs."""
        containers = {one.container for one in servers(self._app)}
        claims = [one for one in self._desk.ledger.live() if one.container in containers]
        sample, now = self._desk.inventory.sample(), self._clock()
        live = {claim.id for claim in claims}
        self._idleness = {key: one for key, one in self._idleness.items() if key in live}
        for claim in claims:
            seen = did(sample, claim.container)
            self._idleness[claim.id] = follow(self._idleness.get(claim.id), seen, now)
        self._over = overuse(claims, sample, self._over, percent=self._gpus.over_share_percent)
        due = await asyncio.to_thread(self._tell, claims, now)
        for notice, key in due:
            self._begin(key, self._give_back(notice))
        for over in self._over.values():
            if is_due(over, now, seconds=self._gpus.over_share_seconds):
                self._begin("/".join(over.key), self._stop_process(over))

    def _tell(self, claims: list[Claim], now: datetime) -> list[tuple[Notice, str]]:
        """Tell people what holds, take back what does not; return what idled for too long."""
        idle = dict(self._idle_notices(claims, now))
        hold = {notice.id: notice for notice in (*idle.values(), *self._over_notices(now))}
        live = self._notices.live()
        told = {notice.id for notice in live}
        for key, notice in hold.items():
            if key not in told:
                self._notices.put(notice)
        for notice in live:
            is_ours = notice.kind in {IDLE, SHARE} and not notice.final_at
            # What was stopped is told for a while; what is to be stopped only while it holds.
            is_over = notice.stops_at is not None or now - notice.at >= SHOWN
            if is_ours and is_over and notice.id not in hold:
                self._notices.end(notice, now)
        return [
            (notice, key)
            for key, notice in idle.items()
            if notice.stops_at and notice.stops_at <= now
        ]

    # Idle.

    def _idle_notices(self, claims: list[Claim], now: datetime) -> Iterator[tuple[str, Notice]]:
        limit = timedelta(minutes=self._gpus.idle_minutes)
        if not limit or not claims:
            return
        warning = timedelta(minutes=self._gpus.idle_warning_minutes)
        keeps = self._keeps.all()
        for claim in claims:
            if is_run(claim.holder.server):
                continue
            moments = (
                self._idleness[claim.id].busy_at, claim.ready_at, keeps.get(claim.holder)
            )  # fmt: skip
            busy_at = max(at for at in moments if at)
            verdict = judge(busy_at, limit=limit, warning=warning, now=now)
            if verdict.is_told:
                key = _id(claim.id, IDLE, verdict.stops_at.isoformat())
                notice = _notice(claim.holder, IDLE, key, IDLES, now)
                yield claim.id, replace(notice, stops_at=verdict.stops_at)

    async def _give_back(self, notice: Notice) -> None:
        self._app.log.info("The GPU of %s/%s idles: it goes back", notice.user, notice.server)
        await farewell(
            self._app,
            self._notices,
            notice,
            why=IDLE,
            sentence="Your server was saved and stopped: its GPU had idled for "
            f"{_minutes(self._gpus.idle_minutes)}.",
            clock=self._clock,
        )

    # Shares.

    def _over_notices(self, now: datetime) -> Iterator[Notice]:
        seconds = self._gpus.over_share_seconds
        for over in self._over.values():
            key = _id(*over.key, over.since.isoformat(), "before")
            notice = _notice(over.claim.holder, SHARE, key, told(over, seconds=seconds), now)
            yield replace(notice, stops_at=over.since + timedelta(seconds=seconds))

    async def _stop_process(self, over: Over) -> None:
        self._app.log.warning(
            "%s takes %d MiB of %s, its part is %d MiB: process %d is stopped",
            over.claim.holder, over.used_mib, over.uuid, over.part_mib, over.culprit.inside_pid,
        )  # fmt: skip
        try:
            await self._engine.end_process(over.claim.container, over.culprit.inside_pid)
        except MachineLabsError as error:
            # It is over its part at the next look too, and this is tried again.
            self._app.log.warning("The process could not be stopped: %s", error)
            return
        key = _id(*over.key, over.since.isoformat(), "after")
        notice = _notice(over.claim.holder, SHARE, key, stopped(over), self._clock())
        await asyncio.to_thread(self._notices.put, notice)
        # Until a later sample says otherwise it is not stopped twice.
        await asyncio.sleep(LOOK_SECONDS)

    # Both.

    def _begin(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        if key in self._works:
            work.close()
            return
        task = asyncio.create_task(work, name=f"watch {key}")
        self._works[key] = task
        task.add_done_callback(lambda _: self._works.pop(key, None))


async def watch_gpus(app: Any, desk: GpuDesk, settings: Settings) -> None:
    """Watch as long as the Hub lives."""
    await GpuWatch(app=app, desk=desk, settings=settings).run()


def _notice(holder: Holder, kind: str, key: str, sentence: str, now: datetime) -> Notice:
    return Notice(
        id=key, user=holder.user, server=holder.server, kind=kind, sentence=sentence, at=now
    )


def _id(*what: str) -> str:
    return hashlib.sha256(" ".join(what).encode()).hexdigest()[:32]


def _minutes(count: int) -> str:
    return f"{count} minute{'' if count == 1 else 's'}"
