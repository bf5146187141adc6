"""What those who run a cluster have left out is said, and how to mend it."""

from machinelabs_hub.gpu.cluster import Node, lacks


def test_nodes_that_tell_all_lack_nothing() -> None:
    assert lacks([Node("a"), Node("b", uuids=("GPU-1",), memory_mib=40960)]) == ""


def test_gpus_that_are_only_counted_are_to_be_named() -> None:
    assert "node b only says how many GPUs" in lacks([Node("a"), Node("b", counted=2)])


def test_memory_that_is_not_told_is_to_be_told() -> None:
    said = lacks([Node("a", uuids=("GPU-1",))])
    assert "--label-add nvidia.com/gpu.memory=40960 a" in said
