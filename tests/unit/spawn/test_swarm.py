"""What a swarm's nodes and tasks say of GPUs, as the engine's answers have it."""

from typing import Any

import pytest

from machinelabs_hub.gpu.cluster import Node
from machinelabs_hub.spawn.swarm import TASK, nodes_of, task_uuids


def named(kind: str, value: str) -> dict[str, Any]:
    return {"NamedResourceSpec": {"Kind": kind, "Value": value}}


def counted(kind: str, value: int) -> dict[str, Any]:
    return {"DiscreteResourceSpec": {"Kind": kind, "Value": value}}


def row(
    *resources: dict[str, Any],
    state: str = "ready",
    availability: str = "active",
    labels: dict[str, str] | None = None,
    engine_labels: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return a node as the engine lists it."""
    told: dict[str, Any] = {"Hostname": "n", "Engine": {"Labels": engine_labels}}
    told["Resources"] = {"NanoCPUs": 1, "GenericResources": list(resources)}
    spec = {"Availability": availability, "Role": "worker", "Labels": labels}
    return {"ID": "id", "Spec": spec, "Description": told, "Status": {"State": state}}


def node(*resources: dict[str, Any], **more: Any) -> Node:
    (found,) = nodes_of([row(*resources, **more)], here="id")
    return found


def test_gpus_are_named_among_a_node_s_resources_in_any_spelling() -> None:
    found = node(named("NVIDIA-GPU", "GPU-1"), named("gpu", "GPU-2"), named("ssd", "GPU-3"))
    assert found == Node("n", uuids=("GPU-1", "GPU-2"))


def test_gpus_without_a_uuid_are_only_counted() -> None:
    found = node(counted("gpu", 3), counted("ssd", 7), named("gpu", "first"), named("gpu", "--x"))
    assert (found.uuids, found.counted) == ((), 5)


@pytest.mark.parametrize("kind", ["labels", "engine_labels"])
def test_labels_tell_model_and_memory(kind: str) -> None:
    said = {"nvidia.com/gpu.product": "A100", "nvidia.com/gpu.memory": "40960"}
    found = node(named("gpu", "GPU-1"), **{kind: said})
    assert (found.model, found.memory_mib) == ("A100", 40960)


def test_a_label_that_is_no_number_tells_nothing() -> None:
    assert node(labels={"nvidia.com/gpu.memory": "40 GB"}).memory_mib == 0


def test_a_node_that_is_away_or_held_back_says_so() -> None:
    assert node(state="down").failure == "Swarm says that its node n is down."
    assert node(availability="drain").held_back == "Swarm holds n back."
    assert (node().failure, node().held_back) == ("", "")


def test_a_node_without_resources_has_no_gpus() -> None:
    bare = row()
    del bare["Description"]["Resources"]
    (found,) = nodes_of([bare], here="another")
    assert found == Node("n", is_here=False)


@pytest.mark.parametrize(
    ("environment", "uuids"),
    [
        (["PATH=/bin", "DOCKER_RESOURCE_NVIDIA-GPU=GPU-1"], ("GPU-1",)),
        (["DOCKER_RESOURCE_GPU=GPU-1,GPU-2"], ("GPU-1", "GPU-2")),
        (["DOCKER_RESOURCE_SSD=GPU-1", "DOCKER_RESOURCE_GPU=2"], ()),
        (None, ()),
    ],
)
def test_a_task_s_environment_tells_its_gpus(
    environment: list[str] | None, uuids: tuple[str, ...]
) -> None:
    assert task_uuids({"Labels": {TASK: "t"}, "Env": environment}) == uuids


def test_what_no_swarm_made_cannot_say_that_it_holds_gpus() -> None:
    assert task_uuids({"Labels": None, "Env": ["DOCKER_RESOURCE_GPU=GPU-1"]}) == ()
