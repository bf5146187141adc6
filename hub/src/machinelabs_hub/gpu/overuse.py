"""Who takes more of a shared card's memory than their part, and for how long. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from machinelabs_hub.gpu.model import Claim
from machinelabs_hub.gpu.sample import ProcessSample, Sample

MIB_A_GIB = 1024


@dataclass(frozen=True, slots=True)
class Over:
    """A claim that takes more of a card than its part."""

    claim: Claim
    uuid: str
    used_mib: int
    part_mib: int
    since: datetime
    culprit: ProcessSample
    """The process of the container that takes the most."""

    @property
    def key(self) -> tuple[str, str]:
        """Which claim on which card."""
        return self.claim.id, self.uuid


def overuse(
    claims: Iterable[Claim],
    sample: Sample | None,
    before: Mapping[tuple[str, str], Over],
    *,
    percent: int,
) -> dict[tuple[str, str], Over]:
    """Return who is over their part by more than `percent`; who was before keeps their `since`.

    What is not known now is not changed: it is judged at the next sample.
    """
    if sample is None:
        return dict(before)
    memory = {card.uuid: card.memory_mib for card in sample.cards}
    found = {}
    for claim in claims:
        container = sample.containers.get(claim.container)
        if claim.share == 1 or container is None:
            continue
        for uuid in claim.uuids:
            own = [one for one in container.processes if one.uuid == uuid and one.memory_mib]
            used = sum(one.memory_mib or 0 for one in own)
            part = memory.get(uuid, 0) // claim.share
            if own and part and used * 100 > part * (100 + percent):
                old = before.get((claim.id, uuid))
                one = Over(
                    claim=claim,
                    uuid=uuid,
                    used_mib=used,
                    part_mib=part,
                    since=old.since if old else sample.at,
                    culprit=max(own, key=lambda process: process.memory_mib or 0),
                )
                found[one.key] = one
    return found


def is_due(over: Over, now: datetime, *, seconds: int) -> bool:
    """Return whether it was over for so long that its process is stopped."""
    return now - over.since >= timedelta(seconds=seconds)


def told(over: Over, *, seconds: int) -> str:
    """Return what the server's people are told while there is time."""
    return (
        f"This server takes {_gib(over.used_mib)} of a GPU's memory; its part is "
        f"{_gib(over.part_mib)}. Free some within {seconds} seconds, or the process that takes the "
        "most is stopped: others share the card."
    )


def stopped(over: Over) -> str:
    """Return what they are told when it was stopped."""
    return (
        f"A process of this server ({over.culprit.name or 'without a name'}, number "
        f"{over.culprit.inside_pid}) was stopped: it took {_gib(over.culprit.memory_mib or 0)} of "
        f"a shared GPU's memory, and this server's part is {_gib(over.part_mib)}. Use smaller "
        "batches or a smaller model, or start with a whole GPU."
    )


def _gib(mib: int) -> str:
    return f"{mib / MIB_A_GIB:.1f} GiB"
