"""Figures of the site's GPUs, for admins and the programs that act for them."""

from collections.abc import Callable, Mapping
from typing import Final

from machinelabs_hub.errors import NotAllowed
from machinelabs_hub.gpu.sample import CardSample
from machinelabs_hub.gpu.sampling import SamplerAway
from machinelabs_hub.gpu_settings import GpuSource
from machinelabs_hub.labs.models.metrics import Family, Labels, exposition
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import signed_in
from machinelabs_hub.labs.storage.metrics import MetricTable

MIB: Final = 2**20

_MEASURED: Final[tuple[tuple[str, str, Callable[[CardSample], float | None]], ...]] = (
    (
        "machinelabs_gpu_use_ratio",
        "How much of the time the card computed, 0 to 1.",
        lambda card: None if card.sm_percent is None else card.sm_percent / 100,
    ),
    (
        "machinelabs_gpu_memory_bytes",
        "The memory of the card.",
        lambda card: card.memory_mib * MIB,
    ),
    (
        "machinelabs_gpu_memory_used_bytes",
        "How much of its memory is used.",
        lambda card: None if card.memory_used_mib is None else card.memory_used_mib * MIB,
    ),
    (
        "machinelabs_gpu_temperature_celsius",
        "How warm the card is.",
        lambda card: card.temperature_c,
    ),
    (
        "machinelabs_gpu_power_watts",
        "What the card draws.",
        lambda card: card.power_w,
    ),
)
"""What the sampler measures of each card."""


class MetricService:
    """Figures as `viewer` may see them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def text(self) -> str:
        """Return what Prometheus reads."""
        if not signed_in(self._viewer).admin:
            raise NotAllowed("Only an admin's token may read the site's metrics.")
        table = MetricTable(sessions=self._tools.sessions)
        return exposition((*table.families(self._tools.clock()), *self._measured(table)))

    def _measured(self, table: MetricTable) -> tuple[Family, ...]:
        """Return what the sampler says; of a site that has none, families without figures."""
        source = self._tools.settings.gpus.source
        if not source.is_measured:
            return _families(())
        try:
            sample = self._tools.sampler.sample()
        except SamplerAway:
            # A machine without cards has no sampler, and that is no fault.
            is_missed = source is GpuSource.NVML or table.has_cards()
            return _families((), up={(): 0.0} if is_missed else {})
        return _families(sample.cards, up={(): 1.0 if sample.is_told else 0.0})


def _families(
    cards: tuple[CardSample, ...], up: Mapping[Labels, float] | None = None
) -> tuple[Family, ...]:
    return (
        Family(
            "machinelabs_gpu_sampler_up",
            "gauge",
            "1: the sampler of the cards and NVIDIA's driver answer.",
            up or {},
        ),
        *(
            Family(
                name,
                "gauge",
                words,
                {_card(one): value for one in cards if (value := of(one)) is not None},
            )
            for name, words, of in _MEASURED
        ),
    )


def _card(card: CardSample) -> Labels:
    return (("card", card.uuid), ("model", card.model))
