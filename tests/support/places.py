"""Free ports, subnets and prefixes, so that many sites can run on one machine at once."""

import ipaddress
import json
import os
import random
import secrets
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

PORTS_OF_A_SITE = 7
# Below the range from which the kernel gives ports to clients.
PORTS = range(10_000, 30_000, 10)


@dataclass(frozen=True, slots=True)
class Place:
    """What a site needs for itself on a shared machine."""

    port: int
    subnet: str
    prefix: str

    @property
    def network(self) -> str:
        return self.prefix

    @classmethod
    def find(cls) -> Self:
        return cls(port=free_port(), subnet=free_subnet(), prefix=f"t{secrets.token_hex(4)}")


def free_port(count: int = PORTS_OF_A_SITE) -> int:
    """Return the first of `count` neighbouring ports that nobody listens on."""
    for port in _shuffled(PORTS):
        if all(_is_free(port + offset) for offset in range(count)):
            return port
    raise RuntimeError("no free ports")


def free_subnet() -> str:
    """Return a /24 that no network of the engine and no route of this machine uses."""
    taken = [*_engine_subnets(), *_routes()]
    for number in _shuffled(range(8, 250)):
        subnet = ipaddress.ip_network(f"172.29.{number}.0/24")
        if not any(subnet.overlaps(other) for other in taken):
            return str(subnet)
    raise RuntimeError("no free subnet")


def _shuffled(numbers: Sequence[int]) -> list[int]:
    """Return those that belong to this process alone of all that run the suite side by side."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = numbers[worker :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    return random.sample(own, len(own))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _engine_subnets() -> list[ipaddress.IPv4Network]:
    names = _output("docker", "network", "ls", "-q").split()
    if not names:
        return []
    found = json.loads(_output("docker", "network", "inspect", *names) or "[]")
    pools = [pool for network in found for pool in network["IPAM"]["Config"] or []]
    return [ipaddress.IPv4Network(pool["Subnet"]) for pool in pools if "." in pool["Subnet"]]


def _routes() -> list[ipaddress.IPv4Network]:
    rows = _output("ip", "-4", "route").splitlines()
    first = [row.split()[0] for row in rows if row.strip()]
    return [ipaddress.IPv4Network(word, strict=False) for word in first if word[0].isdigit()]


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
