"""Devices, claims and people in line, as the tests of the GPUs want them."""

from datetime import UTC, datetime
from fractions import Fraction

from machinelabs_hub.gpu.model import Claim, Gpu, Health, Holder

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def a_gpu(
    uuid: str,
    *,
    memory_mib: int = 80_000,
    parent: str = "",
    profile: str = "",
    node: str = "",
    health: Health = Health.OK,
) -> Gpu:
    """Return a device called `uuid`."""
    return Gpu(
        uuid=uuid,
        model="H100",
        memory_mib=memory_mib,
        parent=parent,
        profile=profile,
        node=node,
        health=health,
    )


def a_claim(
    *uuids: str, share: int = 1, user: str = "ada", flavour: str = "gpu", at: datetime = NOON
) -> Claim:
    """Return `user`'s claim on these devices."""
    return Claim(
        id=f"{user}-{'-'.join(uuids)}",
        holder=Holder(user),
        flavour=flavour,
        uuids=uuids,
        share=share,
        granted_at=at,
    )


def held(claims: list[Claim]) -> dict[str, Fraction]:
    """Return how much of each device these claims hold together."""
    sums: dict[str, Fraction] = {}
    for claim in claims:
        for uuid in claim.uuids:
            sums[uuid] = sums.get(uuid, Fraction(0)) + Fraction(1, claim.share)
    return sums
