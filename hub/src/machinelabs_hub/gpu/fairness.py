"""The order of the line: whoever used GPUs lately stands as if they had come later.

A place is reckoned once, when somebody comes: the moment of coming, put back by the GPU time that
they used lately, half of which is forgotten each day, divided by their plan's weight, and by at
most `MOST`. So nobody who comes more than `MOST` after you is ever served before you.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

HALF_LIFE = timedelta(days=1)
"""After so long a GPU hour counts half."""

MEMORY = 7 * HALF_LIFE
"""What was used longer ago counts nothing."""

MOST = timedelta(hours=12)
"""By how much recent use puts somebody back at most."""

HELD = timedelta(hours=1)
"""What each card counts that the person holds, or waits for with another server."""


@dataclass(frozen=True, slots=True)
class Used:
    """GPU time that was used evenly between two moments."""

    since: datetime
    until: datetime
    gpu_seconds: float


def recent_seconds(used: Iterable[Used], now: datetime) -> float:
    """Return the GPU seconds that still count, each halved once per `HALF_LIFE` since."""
    return sum(_left(row, now) for row in used)


def late_by(recent: float, *, holds: Fraction, weight: float) -> timedelta:
    """Return by how much somebody stands further back than they came.

    Args:
        recent: GPU seconds that count, of `recent_seconds`.
        holds: cards that their other servers hold or wait for now.
        weight: of their plan, above 0.
    """
    counted = recent + float(holds) * HELD.total_seconds()
    return min(MOST, timedelta(seconds=min(counted / weight, MOST.total_seconds())))


def _left(row: Used, now: datetime) -> float:
    seconds = (row.until - row.since).total_seconds()
    begun, ended = _age(row.since, now), _age(row.until, now)
    if seconds <= 0:
        return row.gpu_seconds * math.pow(0.5, ended)
    # The integral of 0.5 ** age over the time in which it was used.
    kept = (math.pow(0.5, ended) - math.pow(0.5, begun)) / math.log(2) * HALF_LIFE.total_seconds()
    return row.gpu_seconds / seconds * kept


def _age(at: datetime, now: datetime) -> float:
    return max(0.0, (now - at) / HALF_LIFE)
