"""A whole site on a manager of a real swarm: people get the cards that its node names."""

import json
import secrets
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.support.card_site import CARDS, CardSite, running_with_cards
from tests.support.places import free_port, free_subnet
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine

NAMED = [f"--node-generic-resource=NVIDIA-GPU={uuid}" for uuid in CARDS[:2]]


@pytest.fixture
def site() -> Iterator[CardSite]:
    """A site that is to ask a swarm, and an engine that is in none yet."""
    with running_with_cards(*NAMED, gpus={"source": "swarm", "cards": []}) as site:
        yield site


@pytest.fixture
def bridge(site: CardSite) -> Iterator[str]:
    """A bridge of its own for what a swarm needs, instead of one with a name that all share."""
    name = f"s{secrets.token_hex(4)}"
    site.cards.run(
        *("network", "create", "--subnet", free_subnet(), "--opt"),
        *(f"com.docker.network.bridge.name={name}", "docker_gwbridge"),
    )
    yield name
    site.cards.run("swarm", "leave", "--force")
    site.cards.run("network", "rm", "docker_gwbridge")
    subprocess.run(["ip", "link", "del", name], capture_output=True, check=False)


def cards(site: CardSite) -> dict[str, tuple[str, int]]:
    """How each card of the site is, and its memory."""
    with closing(sqlite3.connect(site.files.database)) as db:
        rows = db.execute("select uuid, health, memory_mib from cards").fetchall()
    return {uuid: (health, memory) for uuid, health, memory in rows}


def test_a_site_has_the_cards_of_its_swarm_from_when_that_names_them(
    site: CardSite, bridge: str
) -> None:
    assert bridge
    wait_until(
        lambda: "not a swarm manager" in site.log("hub"), seconds=15, what="the Hub says why"
    )
    assert cards(site) == {}
    engine = site.cards
    port = free_port()
    engine.run(
        *("swarm", "init", "--advertise-addr", "127.0.0.1"),
        *("--listen-addr", f"127.0.0.1:{port}", "--default-addr-pool", "10.253.0.0/16"),
    )
    node = engine.run("info", "--format", "{{.Swarm.NodeID}}")
    engine.run("node", "update", "--label-add", "nvidia.com/gpu.memory=40960", node)
    wait_until(
        lambda: cards(site) == dict.fromkeys(CARDS[:2], ("ok", 40960)), seconds=30, what="cards"
    )
    container = site.start_server("ada", image="tiny", flavour="pair").container
    (asked,) = json.loads(engine.run("inspect", container))[0]["HostConfig"]["DeviceRequests"]
    assert sorted(asked["DeviceIDs"]) == sorted(CARDS[:2])
    engine.run("node", "update", "--availability", "pause", node)
    wait_until(
        lambda: {health for health, _ in cards(site).values()} == {"drained"},
        seconds=30,
        what="Swarm holds them back",
    )
    assert json.loads(engine.run("inspect", container))[0]["State"]["Running"]
