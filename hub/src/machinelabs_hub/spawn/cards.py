"""What a container is given of the site's GPUs: the devices of its claim and nothing else. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from machinelabs_hub.gpu.model import Claim

MPS_FOLDER: Final = "/tmp/nvidia-mps"  # noqa: S108
"""Where NVIDIA's MPS daemon listens unless it is told otherwise, here and in the container."""

NO_CARDS: Final = {"NVIDIA_VISIBLE_DEVICES": "void"}
"""Said in the container's own environment, which outweighs what its image asks for."""


@dataclass(frozen=True, slots=True)
class Cards:
    """The devices of one claim, as its container gets them."""

    claim: str
    """The claim's id."""
    uuids: tuple[str, ...]
    share: int
    memory_mib: tuple[int, ...]
    """The memory of each device, in the order of `uuids`; 0: not known."""

    @classmethod
    def of(cls, claim: Claim, memory_mib: Mapping[str, int]) -> "Cards":
        """Return the devices of `claim`; `memory_mib` tells their memory, by uuid."""
        return cls(
            claim=claim.id,
            uuids=claim.uuids,
            share=claim.share,
            memory_mib=tuple(memory_mib.get(uuid, 0) for uuid in claim.uuids),
        )

    def are_shared_by_mps(self, *, mps: bool) -> bool:
        """Return whether NVIDIA's MPS shares the devices, on a site that has it (`mps`)."""
        return mps and self.share > 1


def card_environment(cards: Cards | None, *, mps: bool) -> dict[str, str]:
    """Return the variables that tell the engine's GPU hook and CUDA which devices there are.

    Args:
        cards: what the container gets; None: nothing.
        mps: whether the site shares cards by NVIDIA's MPS.
    """
    if cards is None:
        return dict(NO_CARDS)
    # The engine says the same for the devices that it is asked for. It is said here too because
    # an image may say otherwise, and which of two is heard is up to whoever reads them.
    found = {
        "NVIDIA_VISIBLE_DEVICES": ",".join(cards.uuids),
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    }
    if not cards.are_shared_by_mps(mps=mps):
        return found
    found |= {
        "CUDA_MPS_PIPE_DIRECTORY": MPS_FOLDER,
        "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": str(100 // cards.share),
    }
    if all(cards.memory_mib):
        # CUDA counts the container's devices from 0.
        limits = (f"{n}={mib // cards.share}M" for n, mib in enumerate(cards.memory_mib))
        found["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = ",".join(limits)
    return found
