"""The one desk of a site's GPUs: it hands them out and keeps its records true to the engine."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from machinelabs_hub.catalog.load import load as load_catalog
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.errors import Unavailable
from machinelabs_hub.gpu.cluster import Node
from machinelabs_hub.gpu.inventory import Inventory
from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.model import Ask, Claim, Holder, Observed
from machinelabs_hub.gpu.queue import Line
from machinelabs_hub.gpu.reconcile import Clash, Decision, leftovers
from machinelabs_hub.gpu.tidings import Teller, tidings
from machinelabs_hub.gpu.wants import wants_of
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files, catalog_file, database_url

RECONCILE_SECONDS: Final = 10.0
"""How often the engine is asked what it holds where it tells nothing by itself."""

SOON_SECONDS: Final = 1.0
"""How soon it is asked again where it did not answer, or a claim is in its grace."""

REFRESH_SECONDS: Final = 5.0
"""How often the site's cards are looked at."""

ORDERS_SECONDS: Final = 0.5
"""How often it is looked, while people wait, whether an admin drained or returned a card."""

log = logging.getLogger("machinelabs.gpu")


class Eyes(Protocol):
    """What an engine tells of the containers that hold GPUs."""

    async def observe(self, known: Sequence[str]) -> tuple[Observed, ...]:
        """Return all containers that hold GPUs, or raise `Unavailable` where that is not known."""
        ...

    def events(self) -> AsyncIterator[str]:
        """Yield a word whenever something may have happened to them."""
        ...

    def is_wanted(self, one: Observed) -> bool:
        """Return whether a server has, or is about to have, this container."""
        ...

    async def discard(self, container: str) -> None:
        """Stop and remove a container, or raise `Unavailable`."""
        ...

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes of the engine's cluster, or raise `Unavailable`. It blocks."""
        ...


class GpuDesk:
    """Inventory, ledger and line together."""

    def __init__(self, *, inventory: Inventory, ledger: Ledger, line: Line, teller: Teller) -> None:
        self.inventory = inventory
        self.ledger = ledger
        self.line = line
        self.unknown_since: float | None = None
        """Since when the engine does not say what it holds (`time.time()`); None: it does."""
        self._teller = teller
        self._starting: set[str] = set()
        """Claims of starts that have no container yet: one may go, and another be asked for."""
        self._whys: dict[str, str] = {}
        self._clashes: frozenset[Clash] = frozenset()
        self._removals: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._is_known = asyncio.Event()
        self._is_counted = asyncio.Event()

    @property
    def offers_gpus(self) -> bool:
        """Whether the site has cards that a start may ask for, or nobody has looked yet."""
        return bool(self.inventory.devices()) or not self._is_counted.is_set()

    # For a start and a stop.

    async def take(self, ask: Ask) -> Claim:
        """Wait for devices; the claim lives until its container is gone for certain."""
        # Before the first good look nobody knows what there is and what of it is free.
        await self._is_counted.wait()
        await self._is_known.wait()
        claim = await self.line.take(ask)
        self._starting.add(claim.id)
        return claim

    def started(self, claim: Claim, container: str) -> None:
        """Note that the claim's container was made; its start asks for no other."""
        self.ledger.bind(claim.id, container)
        self._starting.discard(claim.id)

    def ready(self, claim: Claim) -> None:
        """Note that the claim's server answers."""
        self.ledger.ready(claim.id, _now())

    def abandon(self, claim: Claim) -> None:
        """Note that a start ended: the engine is asked whether it left a container."""
        self._starting.discard(claim.id)
        self._wake.set()

    def release(self, claim: Claim, why: str) -> None:
        """End a claim whose container was never asked for."""
        self._starting.discard(claim.id)
        self.ledger.end(claim.id, why, _now())
        self.line.wake()

    def ending(self, holder: Holder, why: str) -> None:
        """Note why the claim of a server will have ended."""
        claim = self.ledger.claim_of(holder)
        if claim is not None and why:
            self._whys[claim.id] = why

    def gone(self, container: str) -> None:
        """Note that a container is gone for certain."""
        for claim in self.ledger.live():
            if container and claim.container == container:
                self.ledger.end(claim.id, self._whys.pop(claim.id, "stopped"), _now())
        self.line.wake()

    # Beside the Hub.

    async def run(self, eyes: Eyes) -> None:
        """Keep the records true, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(eyes))
            tasks.create_task(self._follow(eyes))
            tasks.create_task(self._count(eyes))
            tasks.create_task(self.line.run())

    async def _listen(self, eyes: Eyes) -> None:
        async for _ in eyes.events():
            self._wake.set()

    async def _follow(self, eyes: Eyes) -> None:
        while True:
            self._wake.clear()
            pause = await self._look(eyes)
            try:
                await asyncio.wait_for(self._wake.wait(), pause)
            except TimeoutError:
                continue

    async def _look(self, eyes: Eyes) -> float:
        """Follow the engine's word; return after how many seconds it is to be asked again."""
        before, starting = self.ledger.live(), frozenset(self._starting)
        try:
            observed = await eyes.observe(self._numbered())
        except Unavailable as error:
            self._note_unknown(error)
            return SOON_SECONDS
        self._note_known()
        decision = self.ledger.reconcile(
            observed, before=before, starting=starting, whys=self._whys, now=_now()
        )
        self._tell(decision)
        self._is_known.set()
        self._remove_leftovers(eyes, observed)
        if decision.end or decision.adopt:
            self.line.wake()
        return SOON_SECONDS if decision.absent else RECONCILE_SECONDS

    def _numbered(self) -> list[str]:
        """Return the uuids of the machine's cards by their numbers."""
        sample = self.inventory.sample()
        if sample is None:
            here = (gpu for gpu in self.inventory.devices() if not gpu.node)
            return [gpu.uuid for gpu in here if not gpu.parent]
        cards = [card for card in sample.cards if not card.parent]
        return [card.uuid for card in sorted(cards, key=lambda card: card.index)]

    def _remove_leftovers(self, eyes: Eyes, observed: Sequence[Observed]) -> None:
        for one in leftovers(observed, self.ledger.live(), eyes.is_wanted):
            if one.container not in self._removals:
                log.info("Removing %s, which no server has any more", one.container[:12])
                removal = asyncio.create_task(self._remove(eyes, one.container))
                self._removals[one.container] = removal

    async def _remove(self, eyes: Eyes, container: str) -> None:
        try:
            await eyes.discard(container)
        except Unavailable as error:
            # The next look finds it again.
            log.warning("%s could not be removed: %s", container[:12], error)
        finally:
            del self._removals[container]
        self._wake.set()

    async def _count(self, eyes: Eyes) -> None:
        while True:
            await self.inventory.refresh(_now(), eyes.nodes)
            self._is_counted.set()
            self.line.wake()
            await self._next_count_is_due()

    async def _next_count_is_due(self) -> None:
        """Wait for the next look at the cards; who waits is told of admins' orders at once."""
        waited = 0.0
        while waited < REFRESH_SECONDS:
            await asyncio.sleep(ORDERS_SECONDS)
            waited += ORDERS_SECONDS
            if self.line.has_people and await self.inventory.has_new_orders():
                return

    def _tell(self, decision: Decision) -> None:
        for key in decision.end:
            self._whys.pop(key, None)
            log.info("Claim %s ended: its container is gone", key)
        for one in decision.adopt:
            log.warning("Container %s holds %s without a claim", one.container[:12], one.uuids)
        for clash in set(decision.clashes) - self._clashes:
            log.error(
                "GPU %s is held by several containers at once: %s. None is stopped; stop all but "
                "one.",
                clash.uuid,
                ", ".join(container[:12] for container in clash.containers),
            )
        self._clashes = frozenset(decision.clashes)
        claims, devices, now = self.ledger.live(), self.inventory.devices(), _now()
        self._teller.tell(tidings(claims, devices, self._clashes, now), now)

    def _note_unknown(self, error: Exception) -> None:
        if self.unknown_since is None:
            self.unknown_since = time.time()
            log.warning("It is not known which GPUs are held: %s", error)

    def _note_known(self) -> None:
        if self.unknown_since is not None:
            seconds = time.time() - self.unknown_since
            log.info("It is known again which GPUs are held, after %.0f seconds", seconds)
        self.unknown_since = None


def _now() -> datetime:
    return datetime.now(UTC)


_desks: dict[Path, GpuDesk] = {}


def desk_for(settings: Settings) -> GpuDesk:
    """Return this process's one desk of the site, made when it is first asked for."""
    if settings.data not in _desks:
        sessions = session_maker(open_engine(database_url(settings)))
        inventory, ledger = Inventory(settings=settings, sessions=sessions), Ledger(sessions)
        catalog = load_catalog(catalog_file(settings), Files(settings.data).builds)
        line = Line(inventory=inventory, ledger=ledger, sessions=sessions, wants=wants_of(catalog))
        teller = Teller(NoticeTable(sessions=sessions))
        _desks[settings.data] = GpuDesk(
            inventory=inventory, ledger=ledger, line=line, teller=teller
        )
    return _desks[settings.data]
