"""The site's GPUs as the Hub sees them: by sampler, list or cluster, with admins' orders."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import CardRow
from machinelabs_hub.db.tables.orders import DrainRow, ReturnRow
from machinelabs_hub.errors import Unavailable
from machinelabs_hub.gpu.cluster import Node, lacks
from machinelabs_hub.gpu.model import Gpu, Health
from machinelabs_hub.gpu.sample import Sample
from machinelabs_hub.gpu.sampling import SamplerAway, SamplerClient
from machinelabs_hub.gpu.stock import Known, Orders, after_list, after_nodes, after_sample
from machinelabs_hub.gpu_settings import GpuSource
from machinelabs_hub.settings import Settings

log = logging.getLogger("machinelabs.gpu")

STALE: Final = timedelta(seconds=30)
"""A sample that is older says nothing about now."""

_WRITE_AGAIN: Final = timedelta(minutes=1)
"""How often `seen_at` is written of a card that did not change."""

AskNodes = Callable[[], tuple[Node, ...]]
"""Asks the site's engine for the nodes of its cluster, or raises `Unavailable`. It blocks."""


class Inventory:
    """Which devices the site has, and which of them may be handed out.

    The table `cards` is a copy for others, and what the Hub remembers over a restart: failures,
    and the cards of a sampler that does not answer yet. The Hub alone writes it.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        sessions: SessionMaker,
        client: SamplerClient | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gpus = settings.gpus
        self._sessions = sessions
        self._client = client or SamplerClient(settings)
        self._clock = clock
        self._sample: Sample | None = None
        self._fault = ""
        self._heeded = Orders(drains={}, returns={})
        with sessions() as db:
            rows = db.scalars(select(CardRow).order_by(CardRow.uuid))
            self._known = {row.uuid: _known(row) for row in rows}
        self._written: Mapping[str, Known] = self._known

    def devices(self) -> tuple[Gpu, ...]:
        """Return all devices; `health` says which may be handed out. A split card is none."""
        return tuple(known.gpu for known in self._known.values())

    def sample(self) -> Sample | None:
        """Return what the sampler last said, or None if that is too long ago."""
        sample = self._sample
        return sample if sample and self._clock() - sample.at <= STALE else None

    async def refresh(self, now: datetime, nodes: AskNodes | None = None) -> None:
        """Look at cards and orders anew. Where one does not answer, what is known of it stays."""
        # The sampler, the engine and the database are asked on a thread: all may take a while.
        await asyncio.to_thread(self._refresh, now, nodes)

    async def has_new_orders(self) -> bool:
        """Return whether admins ordered something since the last look."""
        try:
            return await asyncio.to_thread(self._orders) != self._heeded
        except Unavailable:
            return False

    def _refresh(self, now: datetime, nodes: AskNodes | None) -> None:
        source = self._gpus.source
        try:
            orders = self._heeded = self._orders()
            if source is GpuSource.STATIC:
                found = after_list(self._known, self._gpus.cards, orders, now)
            elif source is GpuSource.OFF:
                found = {}
            elif source is GpuSource.SWARM:
                found = after_nodes(self._known, self._named(nodes), orders, now)
            else:
                asked = self._asked()
                self._sample = asked or self._sample
                found = after_sample(self._known, asked and self.sample(), orders, now)
            self._tell(self._known, found)
            self._known = found
            self._write(found)
        except Unavailable as away:
            self._note(str(away))

    def _asked(self) -> Sample | None:
        try:
            sample = self._client.sample()
        except SamplerAway as away:
            # A machine without cards has no sampler, and that is no fault.
            if self._known or self._gpus.source is GpuSource.NVML:
                self._note(str(away))
            return None
        self._note(sample.fault)
        return sample

    def _named(self, nodes: AskNodes | None) -> tuple[Node, ...] | None:
        if nodes is None:
            return None
        try:
            told = nodes()
        except Unavailable as away:
            self._note(str(away))
            return None
        self._note(lacks(told))
        return told

    def _orders(self) -> Orders:
        with self._sessions() as db:
            drains = {row.uuid: row.why for row in db.scalars(select(DrainRow))}
            returns = {row.uuid: row.at for row in db.scalars(select(ReturnRow))}
        return Orders(drains=drains, returns=returns)

    def _write(self, found: Mapping[str, Known]) -> None:
        changed = [
            known for uuid, known in found.items() if self._is_news(self._written.get(uuid), known)
        ]
        if changed or self._written.keys() - found.keys():
            with self._sessions() as db:
                db.execute(delete(CardRow).where(CardRow.uuid.not_in(found)))
                for known in changed:
                    _put(db, known)
        self._written = {
            uuid: known if known in changed else self._written[uuid]
            for uuid, known in found.items()
        }

    @staticmethod
    def _is_news(before: Known | None, after: Known) -> bool:
        if before is None or before.gpu != after.gpu or before.changed_at != after.changed_at:
            return True
        return after.seen_at - before.seen_at >= _WRITE_AGAIN

    def _tell(self, before: Mapping[str, Known], after: Mapping[str, Known]) -> None:
        for uuid, known in after.items():
            health = known.gpu.health
            old = before[uuid].gpu.health if uuid in before else Health.OK
            if health is not old:
                log.warning("GPU %s is %s. %s", uuid, health, known.gpu.why)

    def _note(self, fault: str) -> None:
        if fault != self._fault:
            log.warning("GPUs: %s", fault or "all that was missed is told again.")
        self._fault = fault


def _put(db: Session, known: Known) -> None:
    gpu = known.gpu
    db.merge(
        CardRow(
            uuid=gpu.uuid,
            node=gpu.node,
            model=gpu.model,
            memory_mib=gpu.memory_mib,
            parent=gpu.parent,
            profile=gpu.profile,
            health=gpu.health.value,
            why=gpu.why,
            changed_at=known.changed_at,
            seen_at=known.seen_at,
        )
    )


def _known(row: CardRow) -> Known:
    return Known(gpu_of(row), changed_at=row.changed_at, seen_at=row.seen_at)


def gpu_of(row: CardRow) -> Gpu:
    """Return the device as the Hub last wrote it."""
    return Gpu(
        uuid=row.uuid,
        model=row.model,
        memory_mib=row.memory_mib,
        parent=row.parent,
        profile=row.profile,
        node=row.node,
        health=Health(row.health),
        why=row.why,
    )
