"""The words of plans: what a person may use, and what was used in a window of time."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hours:
    """Processor and GPU time, in seconds; of a share of a card its part counts."""

    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """The span of time over which a plan's hours count: `begins` ≤ t < `ends`, in UTC."""

    begins: datetime
    ends: datetime
