"""Speak HTTP with a labs service; foreign errors become ours here."""

# A notebook server has this module from its start, and what httpx takes to import and to read
# certificates only once somebody looks at labs: nothing here asks for it before the first request.
from __future__ import annotations

import io
import secrets
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

import httpx

from machinelabs.errors import (
    BadInput,
    Conflict,
    HubError,
    NameTaken,
    NotAllowed,
    NotFound,
    Offline,
    SignInNeeded,
    SiteFault,
    StaleRevision,
    TooLarge,
    TooMany,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

BY_CODE: Final[Mapping[str, type[HubError]]] = {
    "name_taken": NameTaken,
    "stale_revision": StaleRevision,
}
BY_STATUS: Final[Mapping[int, type[HubError]]] = {
    400: BadInput,
    401: SignInNeeded,
    403: NotAllowed,
    404: NotFound,
    # The proxy in between waited no longer for a request to end.
    408: Offline,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    413: TooLarge,
    422: BadInput,
    429: TooMany,
}
SENTENCES: Final[Mapping[type[HubError], str]] = {
    SignInNeeded: "Your access has expired. Stop and start your server, or use a new token.",
    NotAllowed: "You may not do this.",
    Offline: "The site took too long to hear all of this. Try again in a moment.",
    NotFound: "There is no such lab, or none that you may see.",
    TooLarge: "This is larger than the site takes.",
    TooMany: "That was a lot at once. Try again in a minute.",
}
CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 120.0
OTHER_SECONDS: Final = 30.0


class Transport:
    """One connection pool to the API of a labs service."""

    def __init__(self, *, url: str, token: str | None, trust_env: bool) -> None:
        self._url = f"{url.rstrip('/')}/api/v1/"
        self._token = token
        self._trust_env = trust_env

    @cached_property
    def _http(self) -> httpx.Client:
        url = httpx.URL(self._url)
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if url.host.endswith(".localhost"):
            # Browsers know that this is their own machine; many a system's resolver does not.
            headers["Host"] = url.netloc.decode("ascii")
            url = url.copy_with(host="127.0.0.1")
        return httpx.Client(
            base_url=url,
            headers=headers,
            timeout=httpx.Timeout(OTHER_SECONDS, connect=CONNECT_SECONDS, read=READ_SECONDS),
            trust_env=self._trust_env,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        if "_http" in vars(self):
            self._http.close()

    def json(self, method: str, path: str, **more: Any) -> Any:
        """Send a request and return the JSON of its answer (None for an empty one).

        Raises:
            HubError: the leaf that fits.
        """
        with _as_ours():
            # A lab that was renamed or given away is read where it is now.
            answer = self._http.request(method, path, follow_redirects=method == "GET", **more)
            _check(answer)
            return _json(answer) if answer.content else None

    def create(self, path: str, body: Mapping[str, Any]) -> Any:
        """Have something made, once: if the line breaks, it is asked for again by the same key.

        Raises:
            HubError: the leaf that fits.
        """
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        try:
            return self.json("POST", path, json=body, headers=headers)
        except Offline:
            return self.json("POST", path, json=body, headers=headers)

    @contextmanager
    def stream(self, path: str, method: str = "GET", **more: Any) -> Iterator[BinaryIO]:
        """Read an answer piece by piece; it is never whole in memory."""
        follows = method == "GET"
        with (
            _as_ours(),
            self._http.stream(method, path, follow_redirects=follows, **more) as answer,
        ):
            if not answer.is_success:
                answer.read()
            _check(answer)
            yield io.BufferedReader(_Reader(answer), buffer_size=1 << 16)


class _Reader(io.RawIOBase):
    def __init__(self, answer: httpx.Response) -> None:
        self._pieces = answer.iter_bytes()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise Offline("The labs service did not answer in time. Try again.") from error
    except httpx.TransportError as error:
        raise Offline(
            "The labs service cannot be reached. Your files are as they were; "
            "try again in a moment."
        ) from error


def _check(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    body = _error_body(answer)
    code, message = str(body.get("code", "")), str(body.get("message", ""))
    kind = BY_CODE.get(code) or BY_STATUS.get(answer.status_code, SiteFault)
    if kind is SignInNeeded or not message:
        message = SENTENCES.get(
            kind, f"The labs service failed (status {answer.status_code}). Try again in a moment."
        )
    raise kind(message, code=code)


def _error_body(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise SiteFault("What answers at this address is not a labs service.") from error


def understood(take: Callable[[], T]) -> T:
    """Return what `take` reads in an answer.

    Raises:
        SiteFault: the answer is not what a labs service answers.
    """
    try:
        return take()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SiteFault("The labs service answered what this client cannot read.") from error
