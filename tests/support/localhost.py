"""Resolve *.localhost in this process as browsers do: to 127.0.0.1 (RFC 6761)."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_getaddrinfo = socket.getaddrinfo


@contextmanager
def localhost_resolved() -> Iterator[None]:
    """Let every HTTP and WebSocket client of this process reach a site's subdomains."""
    before = socket.getaddrinfo
    socket.getaddrinfo = _resolve
    try:
        yield
    finally:
        # Whoever did so first still needs it.
        socket.getaddrinfo = before


def _resolve(host: Any, *rest: Any, **options: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and name.rstrip(".").endswith(".localhost"):
        host = "127.0.0.1"
    return _getaddrinfo(host, *rest, **options)
