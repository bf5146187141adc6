"""Ask the engine for the nodes of its swarm."""

from machinelabs_hub.gpu.cluster import Node
from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.engine import LOOK_SECONDS, connect, translated
from machinelabs_hub.spawn.swarm import nodes_of


def swarm_nodes(settings: Settings) -> tuple[Node, ...]:
    """Return the nodes of the swarm whose manager the site's engine is. It blocks.

    Raises:
        EngineTrouble: the engine does not answer, or is no manager.
    """

    def ask() -> tuple[Node, ...]:
        client = connect(settings.engine.socket, seconds=LOOK_SECONDS, pool=1)
        try:
            return nodes_of(client.nodes(), here=client.info()["Swarm"]["NodeID"])
        finally:
            client.close()

    return translated(ask)
