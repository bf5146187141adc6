"""How much a lab is talked of lately: stars and forks, each worth half after some days. Pure.

What each was worth at the beginning of time is summed, not what it is worth now: so a list keeps
its order while time goes by, and a lab's number changes with its own stars and forks alone.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

HALF_LIFE: Final = timedelta(days=3)
MOST_COUNTED: Final = 300
"""The newest stars, and the newest forks, that a trend is made of."""

_BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)


def trend(times: Iterable[datetime]) -> float:
    """Return the trend of a lab that was starred or forked at `times`; 0.0: never."""
    powers = [max(0.0, (at - _BEGINNING) / HALF_LIFE) for at in times]
    if not powers:
        return 0.0
    most = max(powers)
    return most + math.log2(math.fsum(2 ** (power - most) for power in powers))
