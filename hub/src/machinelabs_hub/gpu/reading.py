"""What NVIDIA's library said at one moment: cards, processes, events. Pure; it judges nothing."""

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """How a card answers that does not answer as it should."""

    LOST = "lost"
    RESET_REQUIRED = "reset_required"
    SILENT = "silent"
    """Its calls fail for no reason that the driver names; others answer."""


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """One process on a card. What the driver does not tell is None."""

    pid: int
    """As this machine numbers it, not as its container does."""
    memory_mib: int | None
    sm_percent: int | None
    """Share of the last seconds in which it computed; 0 where it did not, None: not told (MIG)."""


@dataclass(frozen=True, slots=True)
class CardReading:
    """One card or MIG instance. What the driver does not tell is None."""

    uuid: str
    index: int
    """Of the card; its instances have the same."""
    model: str
    memory_mib: int
    parent: str = ""
    profile: str = ""
    is_split: bool = False
    """The card is in MIG mode: its instances are handed out, not the card."""
    sm_percent: int | None = None
    memory_used_mib: int | None = None
    temperature_c: int | None = None
    power_w: int | None = None
    trouble: Trouble | None = None
    recovery: int = 0
    """What the driver asks for to make it well: 0 nothing (NVML's recovery actions)."""
    remapping_failed: bool = False
    """It has no rows left to put in the place of broken ones."""
    uncorrected: int = 0
    """Memory errors that could not be corrected since the driver was loaded or the card reset."""
    processes: tuple[ProcessReading, ...] = ()


@dataclass(frozen=True, slots=True)
class CardEvent:
    """An error that a card reported."""

    uuid: str
    """Empty where the library did not say which card."""
    xid: int
    """NVIDIA's number of the error; 0: a memory error that could not be corrected."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All of it."""

    driver: str
    cuda: str
    cards: tuple[CardReading, ...]
    silent: tuple[str, ...] = ()
    """Sentences about cards that could not even be named."""
