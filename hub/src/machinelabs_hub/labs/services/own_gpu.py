"""The GPU of one's own server: what it holds, does there, and what hours are left for it."""

from dataclasses import dataclass
from typing import Final

from machinelabs_hub.gpu.model import Holder
from machinelabs_hub.gpu.own import CardUse, Own, own, uses
from machinelabs_hub.gpu.sample import ContainerPoint
from machinelabs_hub.gpu.sampling import SamplerAway
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.usage import Usage
from machinelabs_hub.labs.services.hours import HourService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import signed_in

HOLDS_NONE: Final = "This server has no GPU."
STARTS: Final = "This server only starts. What it does on its GPU is seen as soon as it runs."


@dataclass(frozen=True, slots=True)
class OwnGpu:
    """What one server has, and what it does with it."""

    held: Own | None
    sentence: str
    """Why something is not known; empty where all is."""
    uses: dict[str, CardUse]
    """By the card's uuid; a card that is not there cannot be seen now."""
    points: tuple[ContainerPoint, ...]
    """What its container did on all of its cards together, the oldest first."""
    usage: Usage | None
    """Its person's plan and hours; None where it holds nothing."""


class OwnGpuService:
    """GPUs that servers of `viewer` hold; nobody is told of another's."""

    def __init__(self, *, tools: Tools, viewer: Person | None, hours: HourService) -> None:
        self._tools = tools
        self._viewer = viewer
        self._hours = hours

    def look(self, server: str, *, seconds: int) -> OwnGpu:
        """Return what one of the viewer's servers holds, and did in the last `seconds`."""
        person = signed_in(self._viewer)
        held = own(self._tools.sessions, Holder(person.name, server))
        if held is None:
            return OwnGpu(None, HOLDS_NONE, {}, (), None)
        usage = self._hours.usage()
        if not held.container:
            return OwnGpu(held, STARTS, {}, (), usage)
        client = self._tools.sampler
        try:
            seen = uses(held, client.sample())
            past = client.container(held.container, seconds=seconds).points if seconds else ()
        except SamplerAway as away:
            return OwnGpu(held, str(away), {}, (), usage)
        sentence = "" if len(seen) == len(held.cards) else str(SamplerAway())
        return OwnGpu(held, sentence, seen, past, usage)
