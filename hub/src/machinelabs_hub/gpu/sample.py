"""What the sampler of one machine answers: its cards and what containers do on them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from machinelabs_hub.gpu.model import Health


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class CardSample(_Part):
    """One card or MIG instance. None: the driver does not tell, or the card did not answer."""

    uuid: str
    index: int
    model: str
    memory_mib: int
    parent: str = ""
    """Of a MIG instance: the uuid of its card."""
    profile: str = ""
    is_split: bool = False
    """A card in MIG mode: its instances can be handed out, itself it cannot."""
    health: Health = Health.OK
    """`ok` or `failed`, as the card says. What admins drained or returned, the sampler does not
    know: whether a card is handed out stands in the table `cards`."""
    why: str = ""
    failed_at: datetime | None = None
    sm_percent: int | None = None
    memory_used_mib: int | None = None
    temperature_c: int | None = None
    power_w: int | None = None


class ProcessSample(_Part):
    """One process on a card."""

    pid: int
    inside_pid: int
    """As its container numbers it, which is what its Jupyter server knows."""
    uuid: str
    """Of the card or instance."""
    memory_mib: int | None
    sm_percent: int | None
    """0: it computed nothing since the sample before; None: the driver does not tell (MIG)."""
    name: str


class ContainerSample(_Part):
    """One container. Counters only grow while it lives; None: this machine does not tell."""

    cpu_seconds: float | None = None
    io_bytes: int | None = None
    net_bytes: int | None = None
    processes: tuple[ProcessSample, ...] = ()
    """Those on cards."""
    computed_at: datetime | None = None
    """When one of them was last seen to compute, in this sample or an earlier one."""


class Sample(_Part):
    """One moment of a machine."""

    at: datetime
    node: str
    driver: str = ""
    cuda: str = ""
    is_told: bool = True
    """False: the library or the driver does not answer as a whole. `cards` are those that were
    there before, without figures."""
    fault: str = ""
    """A sentence about what is wrong beyond single cards."""
    cards: tuple[CardSample, ...] = ()
    containers: dict[str, ContainerSample] = {}
    """By the engine's id."""
    others: tuple[ProcessSample, ...] = ()
    """Processes on cards that belong to no container."""


class CardPoint(_Part):
    """A card at a moment of the past."""

    at: datetime
    sm_percent: float | None
    memory_used_mib: float | None
    temperature_c: float | None
    power_w: float | None


class ContainerPoint(_Part):
    """A container at a moment of the past: on one card, or on all."""

    at: datetime
    sm_percent: float | None
    memory_mib: float | None
    cpu_percent: float | None
    """Of one core, since the moment before."""


class CardHistory(_Part):
    """What a card did."""

    points: tuple[CardPoint, ...]


class ContainerHistory(_Part):
    """What a container did."""

    points: tuple[ContainerPoint, ...]
