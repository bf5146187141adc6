"""Which hosts and addresses this service may ask for somebody else. Pure.

People name addresses of the web, and the service stands inside: so nothing of the inside network
may be reached by a name, a redirect or a name that resolves to another address the next moment.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_CLOUDS: Final = (
    # Public by its number, but each machine of this cloud finds its own keeper there.
    ipaddress.ip_network("168.63.129.16/32"),
    ipaddress.ip_network("fd00:ec2::/32"),
)
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Reach:
    """What the site allows.

    Attributes:
        hosts: names of public hosts; `*` is all of them, `*.example.org` all below one.
        inside: `host` or `host:port` that may have addresses of the inside network.
    """

    hosts: tuple[str, ...] = ("*",)
    inside: tuple[str, ...] = ()

    def names(self, host: str, port: int) -> bool:
        """Tell whether a host may be asked at all, before its address is known."""
        return self._is_inside(host, port) or any(_fits(host, one) for one in self.hosts)

    def permits(self, address: str, host: str, port: int) -> bool:
        """Tell whether `address`, which `host` has now, may be connected to."""
        try:
            found = _plain(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        if found.is_link_local or found.is_multicast or any(found in one for one in _CLOUDS):
            return False
        return self._is_inside(host, port) or (found.is_global and not found.is_reserved)

    def _is_inside(self, host: str, port: int) -> bool:
        host = _bare(host)
        shown = f"[{host}]" if ":" in host else host
        return any(one.casefold() in {host, shown, f"{shown}:{port}"} for one in self.inside)


def port_of(scheme: str, port: int | None) -> int:
    """Return the port that an address means."""
    return port or _PORTS[scheme]


def _fits(host: str, pattern: str) -> bool:
    host, pattern = _bare(host), _bare(pattern)
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return pattern in {"*", host}


def _bare(host: str) -> str:
    return host.casefold().rstrip(".")


def _plain(address: _Address) -> _Address:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is None and address.teredo is not None:
        # Where a tunnel ends is nobody's to know: taken for the machine itself.
        inner = ipaddress.IPv4Address("127.0.0.1")
    return inner or address
