"""What every request and answer passes: the one host, the size of bodies, the headers."""

import asyncio
import re
import secrets
from collections.abc import MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import LABS_PREFIX, Addresses

API: Final = f"{LABS_PREFIX}/api"
OPEN_TO_EVERY_HOST: Final = (f"{API}/", f"{LABS_PREFIX}/health")
_DRAIN: Final = 64 << 20
DRAIN_SECONDS: Final = 30.0
"""So long a client may be silent before its answer goes out all the same."""

MOST_BYTES: Final = 1 << 20
"""Of a request that is no upload."""

MOST_FILES_BYTES: Final = 8 << 20
"""Of a list of what a dataset is to hold."""

MOST_EVENTS_BYTES: Final = 32 << 20
"""Of a batch of a run's log: what one cell shows may be large. Read only for who has its token."""

_LAB: Final = rf"{API}/v1/labs/[^/]+/[^/]+"
_DATASET: Final = rf"{API}/v1/datasets/[^/]+/[^/]+"
_RUN: Final = rf"{API}/v1/runner/[^/]+"
_GIT: Final = rf"(?:{LABS_PREFIX}|{API}/git)/[^/]+/[^/]+\.git"

_LARGER: Final = tuple(
    (method, re.compile(path), kind, most)
    for method, path, kind, most in (
        ("POST", rf"{API}/v1/labs|{_LAB}/(?:revisions|merge)", "multipart/form-data", None),
        ("POST", rf"{_GIT}/git-(?:upload|receive)-pack", "application/x-git-", None),
        ("PUT", rf"{_DATASET}/uploads/[0-9a-f]{{32}}/contents/[0-9a-f]{{64}}", "", None),
        ("PUT", rf"{_RUN}/(?:outputs/.*|notebook)", "", None),
        ("POST", rf"{_DATASET}/uploads", "", MOST_FILES_BYTES),
        ("POST", rf"{_RUN}/events", "", MOST_EVENTS_BYTES),
    )
)
"""Routes that take more, with the kind of body that they take; None: they write it to disk as it
comes, with limits of their own. All others read it whole, some before they know whose it is."""


class Guard:
    """An ASGI layer around the app."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._addresses = Addresses(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        elsewhere = self._elsewhere(scope)
        if elsewhere:
            status = 302 if scope["method"] in {"GET", "HEAD"} else 307
            await RedirectResponse(elsewhere, status)(scope, receive, send)
            return
        scope["nonce"] = secrets.token_urlsafe(16)
        body = _Body(receive, most=most_bytes(scope))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A client that is still sending would lose our answer with the connection.
                await body.drain()
                self._add_headers(message, scope)
            await send(message)

        await self._app(scope, body.receive, answer)

    def _elsewhere(self, scope: Scope) -> str | None:
        path: str = scope["path"]
        if self._settings.site.single_origin or path.startswith(OPEN_TO_EVERY_HOST):
            return None
        host = Headers(scope=scope).get("host", "")
        if host == self._addresses.labs_host:
            return None
        query = scope.get("query_string", b"").decode("latin-1")
        raw = scope.get("raw_path", path.encode()).decode("latin-1")
        target = raw + (f"?{query}" if query else "")
        if path == LABS_PREFIX or path.startswith(f"{LABS_PREFIX}/"):
            return str(self._addresses.labs.removesuffix(LABS_PREFIX) + target)
        return str(self._addresses.hub + target)

    def _add_headers(self, message: MutableMapping[str, Any], scope: Scope) -> None:
        headers = MutableHeaders(raw=message["headers"])
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("X-Frame-Options", "SAMEORIGIN")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
        headers.setdefault("Content-Security-Policy", self._policy(scope["nonce"]))
        if self._settings.site.https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        message["headers"] = headers.raw

    def _policy(self, nonce: str) -> str:
        # A form may end at the hub (sign-in, a server that starts), so its origins are in it.
        people = "" if self._settings.site.single_origin else f" {self._everybody()}"
        ends = f"{self._addresses.hub}{people}"
        return (
            "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'self'; "
            f"script-src 'self' 'nonce-{nonce}'; connect-src 'self'; font-src 'self'; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; "
            f"frame-src 'self'; manifest-src 'self'; form-action 'self' {ends}"
        )

    def _everybody(self) -> str:
        scheme, _, host = self._addresses.hub.partition("://")
        return f"{scheme}://*.{host}"


def most_bytes(scope: Scope) -> int | None:
    """Return how large a request may be; None: its route limits it."""
    kind = Headers(scope=scope).get("content-type", "").lower()
    for method, path, kinds, most in _LARGER:
        is_one = scope["method"] == method and path.fullmatch(scope["path"])
        if is_one and kind.startswith(kinds):
            return most
    return MOST_BYTES


class _Body:
    def __init__(self, receive: Receive, *, most: int | None) -> None:
        self._receive = receive
        self._most = most
        self._taken = 0
        self._is_done = False

    async def receive(self) -> Message:
        message = await self._next()
        self._taken += len(message.get("body", b""))
        if self._most is not None and self._taken > self._most:
            # The one error that passes through the frameworks' readers of bodies.
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return message

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._is_done = True
        return message

    async def drain(self) -> None:
        left = _DRAIN
        with suppress(TimeoutError):
            while not self._is_done and left > 0:
                message = await asyncio.wait_for(self._next(), DRAIN_SECONDS)
                left -= len(message.get("body", b""))
