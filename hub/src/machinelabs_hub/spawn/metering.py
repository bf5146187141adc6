"""Meter people's servers and hold them to the hours of their plans, beside the Hub's web server."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.gpu.model import Holder
from machinelabs_hub.plans.budgets import Budgets
from machinelabs_hub.plans.enforce import HOURS, Orders, Stop, enforce
from machinelabs_hub.plans.meter import SAVE_SECONDS, Live, Meter
from machinelabs_hub.plans.model import Notice, Session
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.plans.policy import cards_of, has_end, plan_of
from machinelabs_hub.plans.usage import UsageTable
from machinelabs_hub.sites import database_url
from machinelabs_hub.spawn.ending import ends
from machinelabs_hub.spawn.farewell import WAIT, farewell, start_again
from machinelabs_hub.spawn.options import without_gpu
from machinelabs_hub.spawn.orders import Running, pending, servers, spawners
from machinelabs_hub.spawn.site import SpawnSite
from machinelabs_hub.tickets import is_run

LOOK_SECONDS: Final = 1.0
ENFORCE_SECONDS: Final = 5.0
SESSION_LETTERS: Final = 32


@dataclass(frozen=True, slots=True)
class Look:
    """What runs now, of what nobody knows, and what is known to have ended."""

    live: tuple[Live, ...]
    unsure: frozenset[tuple[str, str]]
    ends: dict[str, datetime]


class HourKeeper:
    """Looks each second, saves each half minute, enforces every few seconds."""

    def __init__(
        self, *, app: Any, site: SpawnSite, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._app = app
        self._site = site
        self._clock = clock or (lambda: datetime.now(UTC))
        sessions = session_maker(open_engine(database_url(site.settings)))
        self._usage = UsageTable(sessions=sessions)
        self._notices = NoticeTable(sessions=sessions)
        self._budgets = Budgets(plans=site.settings.plans, usage=self._usage)
        self._farewells: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Go on until cancelled; a database that is away is asked again at the next turn."""
        meter = Meter(await asyncio.to_thread(self._usage.open_rows))
        saved = enforced = asyncio.get_running_loop().time()
        try:
            while True:
                seen = look_at(self._app, self._site)
                came_or_went = meter.look(
                    seen.live, unsure=seen.unsure, ends=seen.ends, now=self._clock()
                )
                now = asyncio.get_running_loop().time()
                try:
                    if came_or_went or now - saved >= SAVE_SECONDS:
                        await self._save(meter)
                        saved = now
                    if came_or_went or now - enforced >= ENFORCE_SECONDS:
                        await self._enforce(meter)
                        enforced = now
                except MachineLabsError as error:
                    self._app.log.warning("Hours are counted but not stored now: %s", error)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in self._farewells.values():
                task.cancel()
            await self._save(meter)

    async def _save(self, meter: Meter) -> None:
        rows = meter.changed()
        if rows:
            await asyncio.to_thread(self._usage.save, rows)
            meter.saved(rows)

    async def _enforce(self, meter: Meter) -> None:
        told = await asyncio.to_thread(self._notices.live)
        ours = [one for one in told if one.kind == HOURS]
        people = {one.holder.user: one for one in servers(self._app)}
        live: dict[str, list[Session]] = {user: [] for user in people}
        for session in meter.live:
            if session.user in live:
                live[session.user].append(session)
        for user, sessions in live.items():
            theirs = [one for one in ours if one.user == user]
            if not theirs and not self._can_run_out(people[user], sessions):
                continue
            orders = await asyncio.to_thread(
                self._orders, people[user], tuple(sessions), theirs, meter
            )
            await asyncio.to_thread(self._tell, orders)
            for stop in orders.stop:
                self._say_farewell(stop)
        gone = [one for one in ours if one.user not in people]
        await asyncio.to_thread(self._tell, Orders(end=gone))

    def _can_run_out(self, person: Running, sessions: list[Session]) -> bool:
        plan = plan_of(self._site.settings.plans, groups=person.groups, is_admin=person.is_admin)
        return any(has_end(plan, one.kind) for one in sessions)

    def _orders(
        self, person: Running, live: tuple[Session, ...], told: list[Notice], meter: Meter
    ) -> Orders:
        now = self._clock()
        budget = self._budgets.of(
            person.holder.user,
            groups=person.groups,
            is_admin=person.is_admin,
            now=now,
            live=live,
            newer=meter.changed(),
        )
        plans = self._site.settings.plans
        return enforce(budget, told, when_used_up=plans.when_used_up, now=now)

    def _tell(self, orders: Orders) -> None:
        for notice in orders.put:
            self._notices.put(notice)
        for notice in orders.end:
            self._notices.end(notice, self._clock())

    def _say_farewell(self, stop: Stop) -> None:
        key = stop.session.id
        if key in self._farewells:
            return
        task = asyncio.create_task(self._end(stop), name=f"farewell {key}")
        self._farewells[key] = task
        task.add_done_callback(lambda _: self._farewells.pop(key, None))

    async def _end(self, stop: Stop) -> None:
        holder = Holder(stop.session.user, stop.session.server)
        image = next((one.image for one in servers(self._app) if one.holder == holder), "")
        self._app.log.warning("The hours of %s are used up: its server is saved", holder)
        was_there = await farewell(
            self._app,
            self._notices,
            stop.notice,
            why="hours",
            sentence=stop.sentence,
            clock=self._clock,
            # A run saves what it has when it is told to end.
            wait=timedelta(0) if is_run(holder.server) else WAIT,
        )
        # The default size may have a GPU itself.
        default = self._site.settings.servers.default_flavour
        flavour = without_gpu(self._site.catalog, default)
        if was_there and stop.to_cpu and flavour and not is_run(holder.server):
            await start_again(self._site.settings, holder, {"image": image, "flavour": flavour})


def look_at(app: Any, site: SpawnSite) -> Look:
    """Return what the Hub knows of its servers now. Asks nobody."""
    known = {(spawner.user.name, spawner.name): spawner for spawner in spawners(app)}
    unsure = {(holder.user, holder.server) for holder in pending(app)}
    unsure |= {key for key, spawner in known.items() if spawner.unknown_since is not None}
    live = []
    for one in servers(app):
        key = (one.holder.user, one.holder.server)
        if one.container and key not in unsure:
            live.append(_live(one, site, known[key].ran_since))
    ended = {container[:SESSION_LETTERS]: at for container, at in ends().items()}
    return Look(tuple(live), frozenset(unsure), ended)


def _live(one: Running, site: SpawnSite, ran_since: datetime | None) -> Live:
    session = Session(
        id=one.container[:SESSION_LETTERS],
        user=one.holder.user,
        server=one.holder.server,
        flavour=one.flavour,
        cards=cards_of(site.catalog.flavour(one.flavour).gpu),
        is_run=is_run(one.holder.server),
    )
    return Live(session, one.ready_at, ran_since)


async def keep_hours(app: Any, site: SpawnSite) -> None:
    """Meter and enforce as long as the Hub lives."""
    await HourKeeper(app=app, site=site).run()
