"""What containers may reach, as packet filter rules. Pure: the rules are data until applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses

LINK_LOCAL: Final = "169.254.0.0/16"
"""Where clouds serve a machine's metadata and credentials: blocked whatever the settings say."""

REPLIES: Final = "-m conntrack --ctstate ESTABLISHED,RELATED"
REFUSE: Final = "REJECT --reject-with icmp-admin-prohibited"
DNS_PORT: Final = 53
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class FilterRules:
    """Two chains of a network: what leaves its containers for the host, and for elsewhere."""

    bridge: str
    to_host: str
    to_elsewhere: str
    host_rules: tuple[str, ...]
    elsewhere_rules: tuple[str, ...]

    def script(self) -> str:
        """Return the chains' whole content for `iptables-restore --noflush`."""
        lines = ["*filter", f":{self.to_host} - [0:0]", f":{self.to_elsewhere} - [0:0]"]
        lines += [f"-A {self.to_host} {rule}" for rule in self.host_rules]
        lines += [f"-A {self.to_elsewhere} {rule}" for rule in self.elsewhere_rules]
        return "\n".join([*lines, "COMMIT", ""])


def bridge_name(network: str) -> str:
    """Return the name of the bridge that the engine's network has on the host."""
    return f"br-{network}"


def make_rules(settings: Settings, nameservers: Sequence[str]) -> FilterRules:
    """Return the rules of a site.

    Args:
        settings: the site's.
        nameservers: IPv4 addresses that this machine asks names of.
    """
    engine = settings.engine
    asked = [server for server in nameservers if not ip_address(server).is_loopback]
    internet = [
        *(_to(server, "udp", DNS_PORT) for server in asked),
        *(_to(server, "tcp", DNS_PORT) for server in asked),
        *_proxy_rules(engine.http_proxy),
    ]
    allowed = internet if engine.internet else []
    addresses = Addresses(settings)
    door = _to(addresses.gateway, "tcp", settings.site.port + 4)
    return FilterRules(
        bridge=bridge_name(engine.network),
        to_host=f"ML-HOST-{engine.network}",
        to_elsewhere=f"ML-OUT-{engine.network}",
        host_rules=(
            f"{REPLIES} -j ACCEPT",
            f"{door} -j ACCEPT",
            *(f"{rule} -j ACCEPT" for rule in allowed),
            f"-j {REFUSE}",
        ),
        elsewhere_rules=(
            f"{REPLIES} -j RETURN",
            f"-d {LINK_LOCAL} -j {REFUSE}",
            f"-o {bridge_name(engine.network)} -j {REFUSE}",
            *(f"{rule} -j RETURN" for rule in allowed),
            *(f"-d {subnet} -j RETURN" for subnet in engine.allowed_subnets),
            *(f"-d {subnet} -j {REFUSE}" for subnet in engine.blocked_subnets),
            *(() if engine.internet else (f"-j {REFUSE}",)),
        ),
    )


def nameservers_of(resolv_conf: str) -> list[str]:
    """Return the IPv4 nameservers that the text of a `resolv.conf` names, in order."""
    words = (line.split() for line in resolv_conf.splitlines())
    found = (line[1] for line in words if len(line) > 1 and line[0] == "nameserver")
    return [address for address in found if ":" not in address]


def _to(address: str, protocol: str, port: int) -> str:
    return f"-d {address}/32 -p {protocol} --dport {port}"


def _proxy_rules(proxy: str) -> list[str]:
    if not proxy:
        return []
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    try:
        address = ip_address(parts.hostname or "")
    except ValueError:
        # A proxy known by name is reached like any other address of the internet.
        return []
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, DEFAULT_PORTS["http"])
    return [_to(str(address), "tcp", port)] if address.version == 4 else []  # noqa: PLR2004
