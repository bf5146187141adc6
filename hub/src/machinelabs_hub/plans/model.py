"""The words of plans: what a person may use, and what was used in a window of time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

HOUR = 3600.0


class Kind(StrEnum):
    """What hours are counted of; a session uses one of the two."""

    CPU = "cpu"
    """Servers without a GPU: each counts its own time."""
    GPU = "gpu"
    """Servers with GPUs: of each card its part counts."""

    @property
    def words(self) -> str:
        """What people call such hours."""
        return "GPU hours" if self is Kind.GPU else "hours of servers without a GPU"


@dataclass(frozen=True, slots=True)
class Hours:
    """Processor and GPU time, in seconds; of a share of a card its part counts."""

    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0

    def of(self, kind: Kind) -> float:
        """Return the seconds of one kind."""
        return self.gpu_seconds if kind is Kind.GPU else self.cpu_seconds

    def __add__(self, other: "Hours") -> "Hours":
        return Hours(self.cpu_seconds + other.cpu_seconds, self.gpu_seconds + other.gpu_seconds)


@dataclass(frozen=True, slots=True)
class Allowance:
    """The seconds that a plan and its grants give in one window; None: there is no end."""

    cpu_seconds: float | None = None
    gpu_seconds: float | None = None

    def of(self, kind: Kind) -> float | None:
        """Return the seconds of one kind."""
        return self.gpu_seconds if kind is Kind.GPU else self.cpu_seconds


@dataclass(frozen=True, slots=True)
class Window:
    """The span of time over which a plan's hours count: `begins` ≤ t < `ends`, in UTC."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """Extra hours for one calendar month (UTC), `2026-11`."""

    month: str
    cpu_hours: float = 0.0
    gpu_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Session:
    """One container's life as a server or a run, from the moment when it was ready."""

    id: str
    user: str
    server: str
    flavour: str
    cards: Fraction = Fraction(0)
    """How many cards it is charged for; 0: its own time is charged."""
    is_run: bool = False

    @property
    def kind(self) -> Kind:
        """Which hours it uses."""
        return Kind.GPU if self.cards else Kind.CPU

    def charge(self, seconds: float) -> Hours:
        """Return what so many seconds of it use."""
        if self.cards:
            return Hours(gpu_seconds=seconds * float(self.cards))
        return Hours(cpu_seconds=seconds)


@dataclass(frozen=True, slots=True)
class Use:
    """What a session used in one calendar month, from `since` up to `until`."""

    session: Session
    month: str
    since: datetime
    until: datetime
    hours: Hours
    is_open: bool = False
    """Whether it goes on in this month."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the people of one server are told, until it ends."""

    id: str
    user: str
    server: str
    kind: str
    """`idle`, `hours`, `share`, `card`, `reserved` or `account`."""
    sentence: str
    at: datetime
    stops_at: datetime | None = None
    """When the server (or what the sentence names) is stopped; None: it only tells."""
    final_at: datetime | None = None
    """Since when what is open is saved, for the stop that follows."""
    ended_at: datetime | None = None
