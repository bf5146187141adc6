"""Which devices a site has and which may be handed out, from what was seen and ordered. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from machinelabs_hub.gpu.cluster import Node
from machinelabs_hub.gpu.model import Gpu, Health
from machinelabs_hub.gpu.sample import CardSample, Sample
from machinelabs_hub.gpu_settings import Card

MISSING: Final = timedelta(seconds=10)
"""A device that the driver does not list for so long is not there."""

FORGOTTEN: Final = timedelta(days=7)
"""A card that was not there for so long is no card of the site's any more."""

GONE: Final = "NVIDIA's driver does not list it any more."
UNNAMED: Final = "No node of the cluster names it any more."


@dataclass(frozen=True, slots=True)
class Known:
    """A device, and what is remembered of it."""

    gpu: Gpu
    """As it was last judged; `health` says what applies: failed before drained."""
    changed_at: datetime
    """When its health, or the reason, last changed."""
    seen_at: datetime
    """When it was last listed."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What admins ordered, by the uuid of a card or instance."""

    drains: Mapping[str, str]
    """Why it is kept back."""
    returns: Mapping[str, datetime]
    """When it was said to be well."""


def after_sample(
    before: Mapping[str, Known], sample: Sample | None, orders: Orders, now: datetime
) -> dict[str, Known]:
    """Return the devices after a sample; None: the sampler is away, so nothing is known anew.

    A device that failed stays so until an admin returns it, for longer than the sampler remembers.
    """
    found: dict[str, Known] = {}
    for card in sample.cards if sample else ():
        if not card.is_split:
            old = before.get(card.uuid)
            found[card.uuid] = _judged(_gpu(card), old, _failure(card, old, orders), orders, now)
    split = {card.uuid for card in sample.cards if card.is_split} if sample else set()
    for uuid, known in before.items():
        if uuid not in found and uuid not in split:
            is_told = sample is not None and sample.is_told
            kept = _missing(known, orders, now, is_told=is_told, gone=GONE)
            found |= {uuid: kept} if kept else {}
    return found


def after_nodes(
    before: Mapping[str, Known], nodes: Iterable[Node] | None, orders: Orders, now: datetime
) -> dict[str, Known]:
    """Return the devices by the word of a cluster's nodes; None: nothing is known anew.

    A card is as well as its node, and well again with it: the cluster watches over nodes. Cards
    of machines on which the site starts no servers are there, and kept back.
    """
    found: dict[str, Known] = {}
    # The site's own machine has the last word.
    for node in sorted(nodes or (), key=lambda node: node.is_here):
        elsewhere = "" if node.is_here else f"It is in {node.name}: servers do not start there."
        place = "" if node.is_here else node.name
        held_back = node.held_back or elsewhere
        drains = dict.fromkeys(node.uuids, held_back) if held_back else {}
        ordered = Orders(drains={**drains, **orders.drains}, returns=orders.returns)
        for uuid in node.uuids:
            gpu = Gpu(uuid=uuid, model=node.model, memory_mib=node.memory_mib, node=place)
            found[uuid] = _judged(gpu, before.get(uuid), node.failure, ordered, now)
    for uuid, known in before.items():
        if uuid not in found:
            kept = _missing(known, orders, now, is_told=nodes is not None, gone=UNNAMED)
            found |= {uuid: kept} if kept else {}
    return found


def after_list(
    before: Mapping[str, Known], cards: Iterable[Card], orders: Orders, now: datetime
) -> dict[str, Known]:
    """Return the devices of a static list."""
    listed = [Gpu(uuid=row.uuid, model=row.model, memory_mib=row.memory_mib) for row in cards]
    return {gpu.uuid: _judged(gpu, before.get(gpu.uuid), "", orders, now) for gpu in listed}


def _failure(card: CardSample, old: Known | None, orders: Orders) -> str:
    """Return why the card is not well, by its own word now or before, less what was returned."""
    returned = _returned(card.uuid, card.parent, orders)
    if card.health is Health.FAILED and not _is_over(card.failed_at, returned):
        return card.why
    if old is None or old.gpu.health is not Health.FAILED or old.gpu.why == GONE:
        return ""
    return "" if _is_over(old.changed_at, returned) else old.gpu.why


def _missing(
    known: Known, orders: Orders, now: datetime, *, is_told: bool, gone: str
) -> Known | None:
    """Return what is known of a device that was not told of; None: it is one no more."""
    gpu, away = known.gpu, now - known.seen_at
    if is_told and (away >= FORGOTTEN or (gpu.parent and away >= MISSING)):
        # An instance is unmade by those who run the machine: it did not fail.
        return None
    why = gone if is_told and away >= MISSING else ""
    if gpu.health is Health.FAILED:
        why = gpu.why
    return replace(_judged(gpu, known, why, orders, now), seen_at=known.seen_at)


def _judged(gpu: Gpu, old: Known | None, failure: str, orders: Orders, now: datetime) -> Known:
    drain = next(
        (orders.drains[key] for key in (gpu.uuid, gpu.parent) if key in orders.drains), None
    )
    if failure:
        gpu = replace(gpu, health=Health.FAILED, why=failure)
    elif drain is not None:
        gpu = replace(gpu, health=Health.DRAINED, why=drain or "An admin keeps it back.")
    else:
        gpu = replace(gpu, health=Health.OK, why="")
    is_same = old is not None and (old.gpu.health, old.gpu.why) == (gpu.health, gpu.why)
    return Known(gpu, changed_at=old.changed_at if old and is_same else now, seen_at=now)


def _returned(uuid: str, parent: str, orders: Orders) -> datetime | None:
    said = [orders.returns[key] for key in (uuid, parent) if key in orders.returns]
    return max(said, default=None)


def _is_over(failed_at: datetime | None, returned: datetime | None) -> bool:
    return failed_at is not None and returned is not None and returned >= failed_at


def _gpu(card: CardSample) -> Gpu:
    return Gpu(
        uuid=card.uuid,
        model=card.model,
        memory_mib=card.memory_mib,
        parent=card.parent,
        profile=card.profile,
    )
