"""What is well with the nodes of the swarm that names a site's GPUs, and what is not."""

from collections.abc import Iterator

from machinelabs_hub.gpu.cluster import lacks
from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.engine import EngineTrouble
from machinelabs_hub.spawn.nodes import swarm_nodes
from machinelabs_hub.up.findings import Finding, Level


def find(settings: Settings) -> Iterator[Finding]:
    """Look at each node."""
    try:
        nodes = swarm_nodes(settings)
    except EngineTrouble as trouble:
        yield Finding(Level.BAD, "swarm", str(trouble))
        return
    if lack := lacks(nodes):
        yield Finding(Level.WARN, "swarm", lack)
    for node in nodes:
        level = Level.BAD if node.failure else Level.WARN if node.held_back else Level.OK
        words = f"GPUs named: {len(node.uuids)}. {node.failure or node.held_back}".rstrip()
        yield Finding(level, f"node {node.name}", words)
