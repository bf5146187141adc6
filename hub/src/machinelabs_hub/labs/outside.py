"""The one door to the web of others: fetch what people name, and nothing of the inside network.

Each name is resolved here, its addresses are checked, and the connection is made to an address
that passed, so a name cannot mean another one a moment later. Redirects are followed by us, each
checked like the first address. No proxy, no cookies, no credentials.
"""

import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from machinelabs_hub.errors import MachineLabsError, NotAllowed
from machinelabs_hub.labs.models.inputs import url_fault
from machinelabs_hub.labs.models.reach import Reach, port_of
from machinelabs_hub.names import shown

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 30.0
_REDIRECTS: Final = 5
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_WEB: Final = frozenset({"http", "https"})


class InputNotAllowed(NotAllowed):
    """An input comes from where this site fetches nothing."""

    code = "input_not_allowed"


class InputUnreachable(MachineLabsError):
    """An input cannot be had from where it is."""

    code = "input_unreachable"
    status = HTTPStatus.FAILED_DEPENDENCY


class CutShort(Exception):
    """A connection could not be made, or broke: trying again may help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host answered: its status, its headers in lower case, its content piece by piece."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


class Outside:
    """Hosts of the web, as far as the site allows them."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._trust = httpx.create_ssl_context()

    def check(self, url: str) -> None:
        """Refuse an address whose host the site does not allow.

        Raises:
            InputNotAllowed: says which host.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", port_of(parts.scheme, parts.port)
        if not self._reach.names(host, port):
            raise InputNotAllowed(
                f"Inputs may not come from {shown(host)}: this site does not allow that host."
            )

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[Answer]:
        """Ask for an address, and follow where it leads.

        Raises:
            InputNotAllowed: it leads to where this site fetches nothing.
            InputUnreachable: it leads nowhere.
            CutShort: the connection could not be made, or broke; also while pieces are taken.
        """
        for _ in range(_REDIRECTS + 1):
            self.check(url)
            # A pool for each: no connection that was checked for one name serves another.
            with (
                _ours(url),
                httpcore.ConnectionPool(
                    ssl_context=self._trust, network_backend=_Checked(self._reach)
                ) as pool,
                pool.stream(
                    "GET",
                    url.partition("#")[0],
                    headers=_headers(url, headers),
                    extensions={"timeout": _TIMEOUT},
                ) as response,
            ):
                said = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                if response.status not in _MOVED or "location" not in said:
                    yield Answer(response.status, said, response.iter_stream())
                    return
                url = _next(url, said["location"])
        raise InputUnreachable(f"{_host(url)} leads from one address to the next without an end.")


class _Checked(httpcore.NetworkBackend):
    """Connects to addresses that are allowed for the name that was asked for."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check, connect."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"there is no host {host}") from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        permitted = [one for one in addresses if self._reach.permits(one, host, port)]
        if not permitted:
            raise InputNotAllowed(
                f"{shown(host)} is a host of the inside network. Inputs come from public hosts."
            )
        failure: Exception | None = None
        for address in permitted:
            try:
                return self._plain.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")

    def connect_unix_socket(self, *_args: Any, **_options: Any) -> httpcore.NetworkStream:
        """Never: what is meant is on the web."""
        raise httpcore.ConnectError("there are no sockets of files here")


_TIMEOUT: Final = {
    "connect": CONNECT_SECONDS,
    "read": READ_SECONDS,
    "write": READ_SECONDS,
    "pool": CONNECT_SECONDS,
}


@contextmanager
def _ours(url: str) -> Iterator[None]:
    """Turn what a connection raises into ours."""
    try:
        yield
    except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError) as error:
        raise InputUnreachable(f"{_host(url)} cannot be asked for this: {error}.") from error
    except httpcore.TimeoutException as error:
        raise CutShort(f"{_host(url)} does not answer in time") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        # A certificate that is not good comes as one of these too.
        raise CutShort(f"the connection to {_host(url)} failed: {_said(error)}") from error


def _said(error: Exception) -> str:
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, ssl.SSLError):
        return f"{cause.reason or cause}".replace("_", " ").lower()
    return shown(str(error), 200) or type(error).__name__


def _headers(url: str, more: Mapping[str, str]) -> list[tuple[bytes | str, bytes | str]]:
    return [
        ("Host", urlsplit(url).netloc),
        ("User-Agent", "MachineLabs"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        *more.items(),
    ]


def _next(url: str, location: str) -> str:
    try:
        following = urljoin(url, location).partition("#")[0]
        scheme = urlsplit(following).scheme
    except ValueError:
        following = scheme = ""
    if scheme not in _WEB or url_fault(following):
        raise InputNotAllowed(f"{_host(url)} leads to what is no address of the web.")
    if scheme == "http" and urlsplit(url).scheme == "https":
        raise InputNotAllowed(f"{_host(url)} leads from https to http, where anybody listens.")
    return following


def _host(url: str) -> str:
    return shown(urlsplit(url).hostname or "", 200)
