"""The words of the site's GPUs: devices, what a flavour wants of them, who holds which."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any


class Health(StrEnum):
    """Whether a device may be handed out."""

    OK = "ok"
    DRAINED = "drained"
    """An admin keeps it back; who holds it goes on."""
    FAILED = "failed"
    """It reported an error that it does not recover from; its holders are told."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One device that can be handed out: a whole card, or a MIG instance of one."""

    uuid: str
    """`GPU-…`, or `MIG-…` for an instance."""
    model: str
    memory_mib: int
    parent: str = ""
    """The uuid of the card that it is an instance of; empty for a card."""
    profile: str = ""
    """A MIG instance's profile, e.g. `1g.10gb`; empty for a card."""
    node: str = ""
    """The machine that it is in; empty: that of the site's engine."""
    health: Health = Health.OK
    why: str = ""
    """A sentence for people where `health` is not ok."""


@dataclass(frozen=True, slots=True)
class Want:
    """What a start needs: `count` devices, each whole, a MIG profile, or 1/`share` of a card."""

    count: int = 1
    memory_mib: int = 0
    """The least memory of a device, in MiB; of a share, what its part of the card holds."""
    profile: str = ""
    share: int = 1

    @property
    def part(self) -> Fraction:
        """How much of each device it takes."""
        return Fraction(1, self.share)


@dataclass(frozen=True, slots=True)
class Holder:
    """The server that asks for or holds devices; `server` is empty for a default one."""

    user: str
    server: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A start that needs devices: what its place in the line is reckoned from."""

    holder: Holder
    flavour: str
    want: Want
    options: Mapping[str, Any] = field(default_factory=dict)
    """The start's `user_options`: what a hub that starts anew asks for again."""
    groups: frozenset[str] = frozenset()
    """The person's groups: whose reservations are theirs."""
    weight: float = 1.0
    """Of the person's plan: twice the weight counts recent use half."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where somebody stands in the line."""

    position: int
    """From 1, among all who wait."""
    since: datetime
    why: str
    """A sentence: why one waits."""
    expected_at: datetime | None = None
    """When the turn is likely to come; None: not known."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Devices granted to one server, from the grant until its container is gone."""

    id: str
    holder: Holder
    flavour: str
    uuids: tuple[str, ...]
    share: int
    """1: the whole of each device; n: 1/n of its memory."""
    granted_at: datetime
    container: str = ""
    """The engine's id of the container; empty until it is made."""
    ready_at: datetime | None = None
    """When its server answered for the first time; None: not yet."""
    opened_at: datetime | None = None
    """When somebody first used the server; None: not yet."""
    reservation: int = 0
    """The reservation that it is a slot of; 0: none."""

    @property
    def cards(self) -> Fraction:
        """How many cards it is charged for."""
        return Fraction(len(self.uuids), self.share)


@dataclass(frozen=True, slots=True)
class Room:
    """How many devices would do for a flavour, and how many of them have room for it now."""

    suitable: int
    free: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What the engine says that one container of the site holds now, running or not."""

    container: str
    holder: Holder
    claim: str
    """The claim's id on its label; empty where somebody else made the container."""
    flavour: str
    uuids: tuple[str, ...]
    share: int
    is_running: bool = True
    """False: it was made and not started, or it ended. It holds its devices all the same."""
