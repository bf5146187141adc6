"""The conductor: has the Hub start runs whose turn it is, and keeps what is said of runs true.

It looks once a second while there are runs that are not over, decides with `models.run_steps`,
and acts. All that it must not forget is in the rows; what it remembers itself only spares work.
"""

import asyncio
import logging
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Final

from fastapi.concurrency import run_in_threadpool

from machinelabs_hub import tickets
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.hubapi import HubApi, HubAway, PersonGone, StartRefused
from machinelabs_hub.labs.models.access import Action, may
from machinelabs_hub.labs.models.person import Person, Standing
from machinelabs_hub.labs.models.run import Reason, Run, RunState
from machinelabs_hub.labs.models.run_steps import Facts, Seen, Step, asks_hub, places, step
from machinelabs_hub.labs.models.server import HubServer
from machinelabs_hub.labs.services.bells import ALL
from machinelabs_hub.labs.services.run_ends import stopped_by_hub
from machinelabs_hub.labs.services.runner import digest
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.sites import Files
from machinelabs_hub.tickets import Ticket

log = logging.getLogger("machinelabs.runs")

LOOK_SECONDS: Final = 1.0
REST_SECONDS: Final = 30.0
_PAUSE: Final = 0.05
_TICKET_SECONDS: Final = 300
_KNOWN_SECONDS: Final = 30.0
"""How long the Hub's word on a person's groups holds."""

_LATER: Final = "Too Many Requests"
"""The refusal of a Hub that has enough to start now."""

_CODE: Final = re.compile("[a-z][a-z0-9_]{2,60}")

_WAIT_SECONDS: Final = 3.0


@dataclass(slots=True)
class _Memory:
    """What is remembered of one run from look to look, by a clock that nobody sets."""

    gone_at: float | None = None
    stop_at: float | None = None
    """When we first saw that it was ordered to stop."""
    tries: int = 0
    removed_at: float = 0.0
    not_before: float = 0.0


@dataclass(slots=True)
class _Known:
    standing: Standing | None
    at: float = field(default_factory=time.monotonic)


class Conductor:
    """Acts for all runs of the site; there is one of it."""

    def __init__(self, *, tools: Tools, hub: HubApi) -> None:
        self._tools = tools
        self._hub = hub
        self._key = Files(tools.settings.data).secret(tickets.KEY)
        self._memory: defaultdict[int, _Memory] = defaultdict(_Memory)
        self._known: dict[str, _Known] = {}
        self._removals: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Go on until cancelled."""
        with self._tools.bells.listen(ALL) as bell:
            while True:
                is_open = True
                try:
                    is_open = await self.look()
                except MachineLabsError as error:
                    # The database or the disk: what the rows say holds, and the next look goes on.
                    log.warning("runs were not looked after: %s", error)
                await bell.wait(LOOK_SECONDS if is_open else REST_SECONDS)
                await asyncio.sleep(_PAUSE)

    async def look(self) -> bool:
        """Do for every run what is to be done now; tell whether there is one that is not over."""
        tools = self._tools
        await run_in_threadpool(self._stop_those_of_trash)
        runs = await run_in_threadpool(tools.runs.unsettled)
        ids = frozenset(run.id for run in runs)
        tools.contacts.keep(ids)
        for gone in self._memory.keys() - ids:
            del self._memory[gone]
        by_person: defaultdict[str, list[Run]] = defaultdict(list)
        for run in runs:
            by_person[run.person].append(run)
        looks = [self._look_at(person, theirs) for person, theirs in by_person.items()]
        for outcome in await asyncio.gather(*looks, return_exceptions=True):
            if isinstance(outcome, HubAway):
                continue
            if isinstance(outcome, MachineLabsError):
                log.warning("runs were not looked after: %s", outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        return bool(runs)

    async def _look_at(self, person: str, runs: list[Run]) -> None:
        now = self._tools.clock()
        turns = await self._turns(person, runs)
        runs = [self._steady(run, now) for run in runs]
        matters = [
            run
            for run in runs
            if asks_hub(run, self._since(run, now), now, has_turn=run.id in turns)
        ]
        servers = await self._servers(person) if matters else None
        for run in runs:
            seen = _seen(run, servers)
            memory = self._memory[run.id]
            if not seen.is_gone:
                memory.gone_at = None
            elif memory.gone_at is None:
                memory.gone_at = time.monotonic()
            if run.state is RunState.STARTING and seen is not Seen.READY:
                # It has nothing to say yet, however long it stands in line.
                self._tools.contacts.hear(run.id)
            why = ""
            if run.state is RunState.STARTING and seen is Seen.IDLE:
                why = await self._failure(run)
            facts = Facts(
                run=run,
                seen=seen,
                since=self._since(run, now),
                gone_since=_ago(memory.gone_at, now),
                has_turn=run.id in turns,
                why=why,
                tries=memory.tries,
            )
            await self._do(step(facts, now), facts)

    async def _turns(self, person: str, runs: list[Run]) -> frozenset[int]:
        """Return which waiting runs of a person may start: the oldest, as many as find room."""
        waiting = [run for run in runs if run.state is RunState.QUEUED]
        if not waiting or all(run.stop_at for run in waiting):
            return frozenset()
        try:
            standing = await self._standing(person)
        except HubAway:
            return frozenset()
        if standing is None:
            return frozenset()
        room = places(runs, self._tools.plan_of(standing).runs, self._tools.clock())
        at = time.monotonic()
        # In turn: where the Hub has the first one wait, the others do.
        ready = takewhile(lambda run: self._memory[run.id].not_before <= at, waiting)
        return frozenset(run.id for run in islice(ready, room))

    async def _do(self, what: Step, facts: Facts) -> None:
        run = facts.run
        match what:
            case Step.NOTHING:
                return
            case Step.START:
                await self._start(run)
            case Step.ADOPT:
                await self._set(self._tools.runs.start, run, self._tools.clock())
            case Step.REMOVE:
                self._remove(run)
            case Step.SETTLE:
                await self._set(self._tools.runs.settle, run)
            case Step.HUSH:
                log.warning("run %d is out of contact", run.id)
                await self._set(self._tools.runs.set_silent, run, self._tools.clock())
            case Step.FAIL:
                await self._end(run, RunState.FAILED, _failure(facts))
            case Step.LOSE:
                await self._lose(run)
            case Step.STOPPED:
                await self._end(run, RunState.STOPPED, _stopped(run))

    async def _start(self, run: Run) -> None:
        refusal = await self._refusal(run)
        if refusal:
            await self._end(run, RunState.FAILED, refusal)
            return
        memory, code = self._memory[run.id], secrets.token_urlsafe(32)
        if not await run_in_threadpool(self._tools.runs.set_code, run, digest(code)):
            return
        memory.tries += 1
        ticket = Ticket(
            run=run.id,
            user=run.person,
            server=tickets.server_of(run.id),
            image=run.image,
            flavour=run.flavour,
            code=code,
            exp=int(self._tools.clock().timestamp()) + _TICKET_SECONDS,
        )
        options = {
            "image": run.image,
            "flavour": run.flavour,
            "ticket": tickets.sign(ticket, self._key),
        }
        try:
            await self._hub.start_with(run.person, ticket.server, options)
        except StartRefused as error:
            if error.reason == _LATER:
                memory.tries -= 1
                memory.not_before = time.monotonic() + _WAIT_SECONDS
                return
            await self._end(run, RunState.FAILED, str(error), code=_code_of(error))
            return
        except HubAway:
            # It may have come through: a later look finds the server, or asks again.
            memory.not_before = time.monotonic() + _WAIT_SECONDS
            return
        memory.gone_at = None
        if run.state is RunState.QUEUED and not await self._set(
            self._tools.runs.start, run, self._tools.clock()
        ):
            # Somebody stopped it at this moment, or its container was faster than this line.
            log.info("run %d did not wait for its start", run.id)

    async def _refusal(self, run: Run) -> str:
        """Return why somebody may not run this lab any more; empty: they may."""
        standing = await self._standing(run.person)
        lab = await run_in_threadpool(self._tools.runs.lab_of, run)
        if standing is None or lab is None:
            return "The lab, or the account of who ordered it, was deleted."
        person = Person(run.person, run.person, standing.is_admin, standing.groups)
        if not may(person, Action.RUN, lab):
            return f"{run.person} may not run {lab.path} any more."
        return ""

    async def _lose(self, run: Run) -> None:
        """End a run that is gone without a word; the Hub may know that it was stopped."""
        why = await run_in_threadpool(stopped_by_hub, self._tools, run)
        if why is None:
            await self._end(run, RunState.LOST, _LOST)
        else:
            await self._end(run, RunState.STOPPED, why.sentence, code=why.code)

    def _remove(self, run: Run) -> None:
        """Have its server removed meanwhile: the Hub answers when that is done."""
        memory, at = self._memory[run.id], time.monotonic()
        if run.id in self._removals or at - memory.removed_at < _WAIT_SECONDS:
            return
        memory.removed_at = at
        task = asyncio.create_task(self._removed(run))
        self._removals[run.id] = task
        task.add_done_callback(lambda _: self._removals.pop(run.id))

    async def _removed(self, run: Run) -> None:
        try:
            await self._hub.remove(run.person, tickets.server_of(run.id))
        except MachineLabsError as error:
            if not isinstance(error, HubAway):
                log.warning("the server of run %d was not removed: %s", run.id, error)
            return
        # Most are gone by now, and who waits for the place need not wait for the next look.
        self._tools.bells.ring(run.id)

    async def _end(self, run: Run, state: RunState, sentence: str, *, code: str = "") -> None:
        reason = Reason(sentence, code=code)
        if await self._set(self._tools.runs.end, run, state, reason, self._tools.clock()):
            log.info("run %d is %s: %s", run.id, state, sentence)

    async def _set(self, change: Callable[..., bool], run: Run, *values: object) -> bool:
        done = await run_in_threadpool(change, run, *values)
        if done:
            self._tools.bells.ring(run.id)
        return done

    async def _servers(self, person: str) -> dict[str, HubServer] | None:
        """Return a person's servers; None: the Hub does not answer."""
        try:
            return await self._hub.servers(person)
        except PersonGone:
            return {}
        except HubAway:
            return None

    async def _standing(self, person: str) -> Standing | None:
        """Return what decides a person's plan; None: there is no such person any more."""
        known = self._known.get(person)
        if known is None or time.monotonic() - known.at > _KNOWN_SECONDS:
            try:
                known = _Known(await self._hub.standing(person))
            except PersonGone:
                known = _Known(None)
            self._known[person] = known
        return known.standing

    async def _failure(self, run: Run) -> str:
        try:
            return await self._hub.failure(run.person, tickets.server_of(run.id))
        except HubAway:
            return ""

    def _since(self, run: Run, now: datetime) -> datetime:
        return now - self._tools.contacts.silence(run.id)

    def _steady(self, run: Run, now: datetime) -> Run:
        """Return a run whose order to stop is as old as we know it: the rows' clock may jump."""
        if run.stop_at is None:
            return run
        memory = self._memory[run.id]
        if memory.stop_at is None:
            memory.stop_at = time.monotonic()
        return replace(run, stop_at=_ago(memory.stop_at, now))

    def _stop_those_of_trash(self) -> None:
        for run in self._tools.runs.of_trashed_labs():
            self._tools.runs.order_stop(run, "", self._tools.clock())


def _code_of(error: StartRefused) -> str:
    """Return the code of the Hub's refusal; what HTTP itself says is none."""
    return error.reason if _CODE.fullmatch(error.reason) else error.code


def _ago(at: float | None, now: datetime) -> datetime | None:
    return None if at is None else now - timedelta(seconds=time.monotonic() - at)


_LOST: Final = (
    "Its container is gone, and it did not say why: it may have run out of memory, or the machine "
    "was restarted. What it had sent until then is here."
)


_CANCELLED: Final = "Spawn cancelled"
"""What JupyterHub says of a start that somebody stopped."""


def _failure(facts: Facts) -> str:
    if facts.why == _CANCELLED:
        return "Its start was cancelled on the hub's pages."
    if facts.why:
        return facts.why
    if facts.seen is Seen.READY:
        return "Its container began, and never told of itself. Try again, or tell an admin."
    return "The hub could not start its container. Try again, or tell an admin."


def _stopped(run: Run) -> str:
    if not run.stop_by:
        return "It was stopped: its lab, or the account of who ordered it, was deleted."
    end = "while it waited" if run.state is RunState.QUEUED else "before it could end by itself"
    return f"{run.stop_by} stopped it {end}."


def _seen(run: Run, servers: dict[str, HubServer] | None) -> Seen:
    if servers is None:
        return Seen.UNKNOWN
    server = servers.get(tickets.server_of(run.id))
    if server is None:
        return Seen.ABSENT
    if server.pending:
        return Seen.PENDING
    return Seen.READY if server.ready else Seen.IDLE
