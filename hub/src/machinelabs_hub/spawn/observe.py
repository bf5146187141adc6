"""See which containers hold GPUs: what the engine says is the truth about claims."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final

from machinelabs_hub.gpu.cluster import Node
from machinelabs_hub.gpu.model import Holder, Observed
from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.engine import CardRequest, Engine, Listed, engine_for
from machinelabs_hub.spawn.events import container_events
from machinelabs_hub.spawn.nodes import swarm_nodes
from machinelabs_hub.spawn.orders import spawners
from machinelabs_hub.spawn.plan import (
    LABEL_CLAIM,
    LABEL_FLAVOUR,
    LABEL_SERVER,
    LABEL_SHARE,
    LABEL_SITE,
    LABEL_USER,
)

RUNNING: Final = frozenset({"running", "paused", "restarting"})


class DockerEyes:
    """What the desk of GPUs knows of a Docker engine.

    Containers that somebody else made count too while they run: a card that one of them holds is
    not free.
    """

    def __init__(self, settings: Settings, is_wanted: Callable[[Observed], bool]) -> None:
        """Look at the site's engine.

        Args:
            settings: the site's.
            is_wanted: says whether a server of the Hub has, or is about to have, a container.
        """
        self.is_wanted = is_wanted
        self._settings = settings
        self._engine: Engine = engine_for(settings.engine)
        self._requests: dict[str, tuple[CardRequest, ...]] = {}

    def events(self) -> AsyncIterator[str]:
        """Yield a word whenever something happened to the site's containers."""
        return container_events(self._settings)

    async def observe(self, known: Sequence[str]) -> tuple[Observed, ...]:
        """Return all containers that hold GPUs.

        Args:
            known: the uuids of the site's cards in the order of their numbers; somebody who made
                a container by hand may have asked for `all`, or for one by its number.

        Raises:
            EngineTrouble: it is not known.
        """
        rows = await self._engine.list()
        await self._learn(rows)
        held = (self._observed(row, known) for row in rows)
        return tuple(one for one in held if one is not None)

    async def discard(self, container: str) -> None:
        """Stop and remove a container, or raise `EngineTrouble`. Gone already is as good."""
        await self._engine.discard(container)

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes of the engine's swarm, or raise `EngineTrouble`. It blocks."""
        return swarm_nodes(self._settings)

    async def _learn(self, rows: Iterable[Listed]) -> None:
        # What a container was made with never changes, and the list does not tell it.
        self._requests = {
            row.id: self._requests[row.id] for row in rows if row.id in self._requests
        }
        unknown = [row.id for row in rows if row.id not in self._requests]
        answers = await asyncio.gather(*(self._engine.cards(one) for one in unknown))
        # Of one that is not there, or not yet, nothing is remembered: it is asked about again.
        told = zip(unknown, answers, strict=True)
        self._requests |= {one: answer for one, answer in told if answer is not None}

    def _observed(self, row: Listed, known: Sequence[str]) -> Observed | None:
        uuids = uuids_of(self._requests.get(row.id, ()), known)
        is_ours = row.labels.get(LABEL_SITE) == self._settings.engine.prefix
        if not uuids or not (is_ours or row.state in RUNNING):
            return None
        if not is_ours:
            return Observed(row.id, Holder("", row.name), "", "", uuids, 1)
        return Observed(
            container=row.id,
            holder=Holder(row.labels.get(LABEL_USER, ""), row.labels.get(LABEL_SERVER, "")),
            claim=row.labels.get(LABEL_CLAIM, ""),
            flavour=row.labels.get(LABEL_FLAVOUR, ""),
            uuids=uuids,
            share=_share(row.labels.get(LABEL_SHARE, "")),
            is_running=row.state in RUNNING,
        )


def uuids_of(requests: Iterable[CardRequest], known: Sequence[str]) -> tuple[str, ...]:
    """Return the uuids of what was asked for; `known` are the machine's cards by number."""
    found: list[str] = []
    for request in requests:
        if request.ids:
            found += [_uuid(word, known) for word in request.ids]
        else:
            found += known if request.count < 0 else known[: request.count]
    return tuple(dict.fromkeys(found))


def _uuid(word: str, known: Sequence[str]) -> str:
    return known[int(word)] if word.isdigit() and int(word) < len(known) else word


def _share(label: str) -> int:
    return int(label) if label.isdigit() and int(label) > 0 else 1


def wanted_by(app: Any) -> Callable[[Observed], bool]:
    """Return what says whether a server of the Hub `app` has, or is about to have, a container."""

    def is_wanted(one: Observed) -> bool:
        return any(spawner.wants(one) for spawner in spawners(app))

    return is_wanted
