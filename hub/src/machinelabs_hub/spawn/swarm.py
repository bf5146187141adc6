"""What a swarm says of GPUs: those of its nodes, and those of its tasks. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from machinelabs_hub.gpu.cluster import Node

KINDS: Final = frozenset({"nvidia-gpu", "nvidia_gpu", "gpu"})
"""What GPUs are called among generic resources, in any case."""

MODEL: Final = "nvidia.com/gpu.product"
MEMORY: Final = "nvidia.com/gpu.memory"
"""Labels of a node, as NVIDIA's feature discovery names them in other clusters."""

TASK: Final = "com.docker.swarm.task.id"
"""A label of containers that a swarm made; nobody else may set one of its kind."""

_UUID: Final = re.compile(r"(GPU|MIG)-[A-Za-z0-9-]+")
_GIVEN: Final = "DOCKER_RESOURCE_"


def nodes_of(rows: Iterable[Mapping[str, Any]], *, here: str) -> tuple[Node, ...]:
    """Return what the engine's list of nodes means; `here` is the id of the engine's own."""
    return tuple(_node(row, is_here=row["ID"] == here) for row in rows)


def task_uuids(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the GPUs that a swarm gave to a container: it tells them in the environment."""
    if TASK not in (config.get("Labels") or {}):
        return ()
    given = (word.partition("=") for word in config.get("Env") or ())
    values = (
        value
        for name, _, value in given
        if name.startswith(_GIVEN) and name.removeprefix(_GIVEN).lower() in KINDS
    )
    words = (word for value in values for word in value.split(","))
    return tuple(word for word in words if _UUID.fullmatch(word))


def _node(row: Mapping[str, Any], *, is_here: bool) -> Node:
    told, spec = row["Description"], row["Spec"]
    name, state = told["Hostname"], row["Status"]["State"]
    labels = {**(told.get("Engine", {}).get("Labels") or {}), **(spec.get("Labels") or {})}
    memory = labels.get(MEMORY, "")
    resources = told.get("Resources", {}).get("GenericResources") or ()
    named, counted = list(_named(resources)), sum(_counted(resources))
    uuids = [value for value in named if _UUID.fullmatch(value)]
    return Node(
        name=name,
        uuids=tuple(uuids),
        counted=counted + len(named) - len(uuids),
        model=labels.get(MODEL, "GPU"),
        memory_mib=int(memory) if memory.isdecimal() else 0,
        is_here=is_here,
        failure="" if state == "ready" else f"Swarm says that its node {name} is {state}.",
        held_back="" if spec["Availability"] == "active" else f"Swarm holds {name} back.",
    )


def _named(resources: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for resource in resources:
        named = resource.get("NamedResourceSpec")
        if named and named["Kind"].lower() in KINDS:
            yield named["Value"]


def _counted(resources: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    for resource in resources:
        counted = resource.get("DiscreteResourceSpec")
        if counted and counted["Kind"].lower() in KINDS:
            yield int(counted["Value"])
