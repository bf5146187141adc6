"""`Idempotency-Key`: a POST that is sent twice is done once.

    router = APIRouter(prefix="/…", route_class=Once)

makes every POST of the router honour the header. The same key with the same request gives the
first answer again, marked `Idempotency-Replayed: true`; with another request it is refused. An
answer that made nothing is not kept: the request can be repeated. What was made by a process that
died before it answered is not made again either: a 409 says what it is.

Files of a multipart request count by their bytes, wherever the client put the boundary between
the parts.
"""

import hashlib
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Message

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.security import FORM, context
from machinelabs_hub.labs.services.idempotency import BadKey, KeyReused, OnceService

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"

MADE: Final = (HTTPStatus.OK, HTTPStatus.CREATED)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

PARAMETER: Final[dict[str, Any]] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Your own name for this request: sent again within a day, it is not done again "
    "but answered as the first time.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}


class Once(APIRoute):
    """A route whose POSTs honour the header."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        if "POST" in (more.get("methods") or ()):
            extra = dict(more.get("openapi_extra") or {})
            extra["parameters"] = [*extra.get("parameters", ()), PARAMETER]
            more["openapi_extra"] = extra
            more["responses"] = dict(more.get("responses") or {})
            more["responses"].setdefault(409, refusals(409)[409])
        super().__init__(path, endpoint, **more)

    def get_route_handler(self) -> Handler:
        """Return the handler, wrapped."""
        handle = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return handle

        async def once(request: Request) -> Response:
            keys = request.headers.getlist(HEADER)
            form = request.headers.get("content-type", "").startswith(FORM)
            if not keys or form:
                return await handle(request)
            if len(keys) > 1:
                raise BadKey(f"Send one {HEADER}.")
            ctx = await context(request)
            if ctx.person is None:
                return await handle(request)
            service = OnceService(tools=ctx.tools, person=ctx.person.name)
            return await _once(service, keys[0], request, handle)

        return once


async def _once(service: OnceService, key: str, request: Request, handle: Handler) -> Response:
    asked = _Asked(request)
    kept = await run_in_threadpool(service.begin, key)
    if kept is not None:
        if await asked.digest() != kept.request:
            raise KeyReused
        headers = {REPLAYED: "true", "Content-Type": "application/json"}
        return Response(kept.body, kept.status or HTTPStatus.CREATED, headers)
    is_made = False
    try:
        with service.claimed(key):
            answer = await handle(Request(request.scope, asked.receive))
        # What is streamed was not made here, only shown.
        if answer.status_code in MADE and hasattr(answer, "body"):
            digest = await asked.digest()
            await run_in_threadpool(
                service.end, key, digest, answer.status_code, bytes(answer.body)
            )
            is_made = True
        return answer
    finally:
        if not is_made:
            await run_in_threadpool(service.release, key)


class _Asked:
    """What is asked, hashed while the handler reads it."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._is_done = False
        self._hash = hashlib.sha256()
        self._take: Callable[[bytes], Any] = self._hash.update
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        self._add(request.method, request.url.path, request.url.query, kind.decode("latin-1"))
        if kind == b"multipart/form-data" and options.get(b"boundary"):
            self._take = self._parser(options[b"boundary"]).write

    async def receive(self) -> Message:
        """Receive for the handler."""
        message = await self._request.receive()
        if message["type"] == "http.request":
            self._is_done = not message.get("more_body", False)
            try:
                self._take(message.get("body", b""))
            except MultipartParseError:
                # The handler refuses it, and then nothing is kept.
                self._take = self._hash.update
        else:
            self._is_done = True
        return message

    async def digest(self) -> str:
        """Return the hash of all that is asked; what the handler did not read is read now."""
        while not self._is_done:
            await self.receive()
        return self._hash.hexdigest()

    def _add(self, *parts: str) -> None:
        for part in parts:
            self._hash.update(part.encode() + b"\0")

    def _parser(self, boundary: bytes) -> MultipartParser:
        def add(data: bytes, start: int, end: int) -> None:
            self._hash.update(memoryview(data)[start:end])

        def mark() -> None:
            self._hash.update(b"\0part\0")

        return MultipartParser(
            boundary,
            {
                "on_part_begin": mark,
                "on_header_field": add,
                "on_header_value": add,
                "on_headers_finished": mark,
                "on_part_data": add,
            },
        )
