"""Whose address a request comes from, when proxies stand between. Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network


def address_of(forwarded: Iterable[str], *, peer: str, trusted: Sequence[str]) -> str:
    """Return the address of the visitor.

    Each proxy appends whom it was asked by, so the list is read from its end: what a proxy that
    is not trusted wrote before may be invented.

    Args:
        forwarded: the values of `X-Forwarded-For`, in order.
        peer: who asked us; taken when nothing was forwarded.
        trusted: addresses and networks of the proxies in front of the site's own.
    """
    hops = [hop.strip() for value in forwarded for hop in value.split(",") if hop.strip()]
    for hop in reversed(hops):
        if not _is_among(hop, trusted):
            return hop
    return hops[0] if hops else peer


def _is_among(address: str, networks: Sequence[str]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    plain = getattr(found, "ipv4_mapped", None) or found
    return any(plain in ip_network(network) for network in networks)
