"""Decide what the engine's word means for the claims. Pure functions; the ledger obeys.

What the engine holds is the truth. A claim lives as long as a container with it is there in any
state, or a start of this process is about to make one; all else is a leak and ends.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from machinelabs_hub.gpu.model import Claim, Observed

GRACE: Final = timedelta(seconds=20)
"""How long the engine must say that a claim without a container has none.

An engine that was frozen, or is very busy, may still make the container that a start asked of it
before.
"""


@dataclass(frozen=True, slots=True)
class Clash:
    """A device of which more is held than there is of it, and by which containers."""

    uuid: str
    containers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the claims."""

    bind: Mapping[str, str]
    """The container of each claim that did not know it, by the claim's id."""
    end: tuple[str, ...]
    """The ids of claims whose container is gone, or never was."""
    adopt: tuple[Observed, ...]
    """Containers that hold devices without a claim."""
    absent: Mapping[str, datetime]
    """Claims without a container that are in their grace, by id: since when none was seen."""
    clashes: tuple[Clash, ...]


def decide(
    *,
    claims: Iterable[Claim],
    observed: Iterable[Observed],
    starting: frozenset[str],
    absent: Mapping[str, datetime],
    now: datetime,
) -> Decision:
    """Return what a good look at the engine means.

    Args:
        claims: those that lived before the look began; what was granted since is not judged.
        observed: all containers that hold devices.
        starting: the claims whose containers this process was about to make before the look.
        absent: what the decision before this one gave.
        now: the time.
    """
    seen = tuple(observed)
    lived = tuple(claims)
    holders = {claim.id: _container_of(claim, seen) for claim in lived}
    missing = {
        claim.id: absent.get(claim.id, now)
        for claim in lived
        if not holders[claim.id] and claim.id not in starting
    }
    bound = {claim.id for claim in lived if claim.container}
    end = {key for key, since in missing.items() if key in bound or now - since >= GRACE}
    claimed = {container for container in holders.values() if container}
    return Decision(
        bind={
            claim.id: holders[claim.id]
            for claim in lived
            if holders[claim.id] and holders[claim.id] != claim.container
        },
        end=tuple(sorted(end)),
        adopt=tuple(one for one in seen if one.container not in claimed),
        absent={key: since for key, since in missing.items() if key not in end},
        clashes=tuple(_clashes(seen)),
    )


def leftovers(
    observed: Iterable[Observed], claims: Iterable[Claim], is_wanted: Callable[[Observed], bool]
) -> tuple[Observed, ...]:
    """Return the containers that nobody will ask for again, so that they may be removed.

    A start that failed or died with its Hub left them. What ever answered as a server is not one
    of them while it runs, whatever else is known: somebody may work in it.
    """
    used = {claim.id for claim in claims if claim.ready_at}
    return tuple(
        one
        for one in observed
        if one.claim and not (one.is_running and one.claim in used) and not is_wanted(one)
    )


def _container_of(claim: Claim, seen: Iterable[Observed]) -> str:
    mine = [one.container for one in seen if one.claim == claim.id]
    if claim.container in mine or not mine:
        known = any(one.container == claim.container for one in seen)
        return claim.container if known else ""
    return mine[0]


def _clashes(seen: Iterable[Observed]) -> Iterator[Clash]:
    holders: dict[str, list[Observed]] = {}
    for one in seen:
        for uuid in one.uuids:
            holders.setdefault(uuid, []).append(one)
    for uuid, several in sorted(holders.items()):
        if sum((Fraction(1, one.share) for one in several), Fraction(0)) > 1:
            yield Clash(uuid, tuple(sorted(one.container for one in several)))
