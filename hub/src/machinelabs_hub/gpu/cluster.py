"""GPUs as a cluster names them: what its nodes say, and what that lacks. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of a cluster, by the cluster's word."""

    name: str
    uuids: tuple[str, ...] = ()
    """Of its GPUs."""
    counted: int = 0
    """How many GPUs it has of which it tells no uuid: they cannot be handed out."""
    model: str = "GPU"
    memory_mib: int = 0
    """Of each of its GPUs; 0: it does not tell."""
    is_here: bool = True
    """Whether it is the machine of the site's engine: servers start on no other."""
    failure: str = ""
    """Why it is not there, in a sentence; empty: it is."""
    held_back: str = ""
    """Why nobody new may land on it, in a sentence; empty: they may."""


def lacks(nodes: Iterable[Node]) -> str:
    """Return what those who run the cluster have left out, in a sentence; empty: nothing."""
    for node in nodes:
        if node.counted:
            return (
                f"The node {node.name} only says how many GPUs it has. Name them: start its "
                "engine with `--node-generic-resource NVIDIA-GPU=UUID` for each."
            )
        if node.uuids and not node.memory_mib:
            return (
                f"The node {node.name} does not say how much memory its GPUs have. Sizes that ask "
                "for some do not fit them. Say it in MiB: `docker node update --label-add "
                f"nvidia.com/gpu.memory=40960 {node.name}`."
            )
    return ""
