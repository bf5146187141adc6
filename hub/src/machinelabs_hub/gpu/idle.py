"""Whether a server lets its GPU idle, judged by what its container did. Pure.

Browsers say nothing about it: one may be open over night, and a training goes on without any.
A container works while its processes compute on the card, use the processor, or move data; a
kernel that is busy in none of these ways waits, and so does a debugger that was left in a pause.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from machinelabs_hub.gpu.sample import Sample

SPAN: Final = timedelta(minutes=1)
"""Work is counted over so long: what happens at intervals without anybody is less."""

CPU_SECONDS: Final = 3.0
"""Of processor time in a span. A server with an open window and nothing to do takes under one."""

MOVED_BYTES: Final = 2 * 2**20
"""Through the network, or from and to disks, in a span: an autosave is less, a download more."""


@dataclass(frozen=True, slots=True)
class Did:
    """What a container had done at a moment: counters, and when it last computed on a card."""

    at: datetime
    computed_at: datetime | None
    cpu_seconds: float | None
    io_bytes: int | None
    net_bytes: int | None


@dataclass(frozen=True, slots=True)
class Idleness:
    """Since when a container does nothing, and from where the span under way is counted."""

    busy_at: datetime
    mark: Did | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for a server that does nothing."""

    stops_at: datetime
    is_told: bool
    """Its people are to be told."""
    is_over: bool
    """It is to be stopped."""


def did(sample: Sample | None, container: str) -> Did | None:
    """Return what a container had done; None: that is not known."""
    found = sample.containers.get(container) if sample else None
    if sample is None or found is None or not sample.is_told:
        return None
    return Did(
        at=sample.at,
        # Not what it does at this moment: work on a card comes in bursts, between two looks too.
        computed_at=found.computed_at,
        cpu_seconds=found.cpu_seconds,
        io_bytes=found.io_bytes,
        net_bytes=found.net_bytes,
    )


def follow(before: Idleness | None, seen: Did | None, now: datetime) -> Idleness:
    """Return the idleness after a look. Unknown is not idle: it counts as work."""
    if before is None or seen is None or before.mark is None:
        return Idleness(busy_at=now, mark=seen)
    if seen.at <= before.mark.at:
        return before
    if _worked(before.mark, seen):
        return Idleness(busy_at=seen.at, mark=seen)
    if seen.computed_at and seen.computed_at > before.busy_at:
        return Idleness(busy_at=seen.computed_at, mark=seen)
    return replace(before, mark=seen) if seen.at - before.mark.at >= SPAN else before


def judge(busy_at: datetime, *, limit: timedelta, warning: timedelta, now: datetime) -> Verdict:
    """Return what follows for a server that did its last work, or was last kept, at `busy_at`."""
    stops_at = busy_at + limit
    return Verdict(
        stops_at=stops_at,
        # Whoever worked just now is not warned, however early the site wants it.
        is_told=now >= stops_at - min(warning, limit / 2),
        is_over=now >= stops_at,
    )


def _worked(mark: Did, seen: Did) -> bool:
    return (
        _more(mark.cpu_seconds, seen.cpu_seconds) >= CPU_SECONDS
        or _more(mark.io_bytes, seen.io_bytes) >= MOVED_BYTES
        or _more(mark.net_bytes, seen.net_bytes) >= MOVED_BYTES
    )


def _more(before: float | None, after: float | None) -> float:
    if before is None or after is None:
        return 0.0
    # A counter that fell is another container's of the same name, or was begun anew: it works.
    return after - before if after >= before else float("inf")
