"""Whether a card is well, by what it reports. Pure: the caller brings readings, events and time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from machinelabs_hub.gpu.reading import CardEvent, CardReading, Trouble

# After NVIDIA's Xid catalogue (docs.nvidia.com/deploy/xid-errors). A card is bad where its
# immediate action is a reset of the card or of the machine, since every later program on it fails
# or computes wrong. What a program brings on itself ends only that program, and must not give
# anybody a way to take a card from all: 13 (exception), 31 (page fault), 32 (push buffer), 43 and
# 45 (its channel was stopped), 68 (video decoder), 69 (class error), 94 (a memory error that was
# contained in one program). 109 (context switch timeout) asks for a reset in the catalogue, but
# programs cause it; where the card does need one, the driver says so by its recovery action.
# 63 and 92 tell of a repair that worked. 154 only says that the recovery action changed, which
# each reading asks for.
BAD_XIDS: Final = MappingProxyType(
    {
        46: "it stopped processing",
        48: "its memory had an error that could not be corrected",
        62: "its power controller halted",
        64: "a broken part of its memory could not be replaced",
        74: "its link to other cards failed",
        79: "it has fallen off the bus",
        95: "its memory had an error that reached more than one program",
        110: "it reported a security fault",
        119: "its system processor did not answer",
        120: "its system processor failed",
        136: "its link to other cards could not be trained",
        140: "its memory had an error that could not be recovered",
        143: "it could not be initialised",
        155: "its link to other cards failed",
        156: "parts of it are retired until a reset",
        158: "it did not answer in time",
    }
)

PATIENCE: Final = timedelta(seconds=15)
"""A card that answers nothing for so long is bad."""

_DOUBLE_BIT: Final = BAD_XIDS[48]
_TROUBLES: Final = MappingProxyType(
    {
        Trouble.LOST: "The driver has lost it. Restart the machine; if it stays away, look at "
        "the card.",
        Trouble.RESET_REQUIRED: "It needs a reset (`nvidia-smi --gpu-reset`).",
    }
)
# 3 (quiesce peer-to-peer traffic) and 5 (the domain of many machines) leave a lone card usable.
_RECOVERIES: Final = MappingProxyType(
    {
        1: "The driver asks for a reset of it (`nvidia-smi --gpu-reset`).",
        2: "The driver asks for a restart of the machine.",
        4: "The driver asks to empty and reset it (`nvidia-smi --gpu-reset`).",
        6: "The driver asks for a reset of its bus.",
        7: "The driver asks for a restart of the machine.",
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a card is not well, and since when that is known."""

    why: str
    at: datetime
    """Of an error that was reported: when. Of a state that lasts: now, so that no word of an
    admin's makes it well before it is."""


class Watch:
    """Remembers the errors that cards reported, and judges each reading by them."""

    def __init__(self) -> None:
        self._reported: dict[str, Failure] = {}
        self._uncorrected: dict[str, int] = {}
        self._silent_since: dict[str, datetime] = {}

    def note(self, event: CardEvent, now: datetime) -> bool:
        """Remember an event; return whether it makes its card bad."""
        if event.xid and event.xid not in BAD_XIDS:
            return False
        name = f"Xid {event.xid}: " if event.xid else ""
        self._report(event.uuid, f"{name}{BAD_XIDS.get(event.xid, _DOUBLE_BIT)}.", now)
        return True

    def judge(self, cards: Iterable[CardReading], now: datetime) -> dict[str, Failure]:
        """Return what is wrong with which of the cards; a bad card's instances are bad too."""
        cards = tuple(cards)
        found: dict[str, Failure] = {}
        for card in cards:
            self._count(card, now)
            lasting = self._silence(card, now) or _lasting(card)
            failure = Failure(lasting, now) if lasting else self._reported.get(card.uuid)
            if failure:
                found[card.uuid] = failure
        for card in cards:
            if card.parent in found:
                found.setdefault(card.uuid, found[card.parent])
        return found

    def _silence(self, card: CardReading, now: datetime) -> str:
        if card.trouble is not Trouble.SILENT:
            self._silent_since.pop(card.uuid, None)
            return ""
        # For a moment it says nothing about the card.
        since = self._silent_since.setdefault(card.uuid, now)
        return "It does not answer the driver." if now - since >= PATIENCE else ""

    def _count(self, card: CardReading, now: datetime) -> None:
        # The first reading counts too: errors from before the sampler last until a reset.
        if card.uncorrected > self._uncorrected.get(card.uuid, 0):
            times = f"{card.uncorrected} since it was last reset"
            self._report(card.uuid, f"Memory errors that could not be corrected: {times}.", now)
        if card.trouble is None:
            self._uncorrected[card.uuid] = card.uncorrected

    def _report(self, uuid: str, why: str, now: datetime) -> None:
        why = f"{why[:1].upper()}{why[1:]}"
        self._reported[uuid] = Failure(why, now)


def _lasting(card: CardReading) -> str:
    if card.trouble and card.trouble in _TROUBLES:
        return _TROUBLES[card.trouble]
    if card.remapping_failed:
        return "It has no spare memory left to replace what is broken. Replace the card."
    return _RECOVERIES.get(card.recovery, "")
