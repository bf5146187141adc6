"""`/{owner}/{name}.git`: clone, fetch and push with git, over HTTP.

A client names itself with a hub token as the password of any user name, or as a bearer. Of a
repository's files there is none to be had: only the two conversations of git.
"""

import base64
import binascii
import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import BinaryIO, Final, cast

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from machinelabs_hub.errors import MachineLabsError, NotFound, TooLarge
from machinelabs_hub.labs.api.gitstream import Turns, answer_of_git, take_body
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.errors import redirect_of
from machinelabs_hub.labs.guard import API
from machinelabs_hub.labs.security import context
from machinelabs_hub.labs.services.git import ABILITIES
from machinelabs_hub.labs.services.rates import TooMany
from machinelabs_hub.labs.services.viewer import NoLab, SignInNeeded
from machinelabs_hub.labs.storage.pktline import FLUSH, advertisement, line, read_push
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import LABS_PREFIX, Files

log = logging.getLogger("machinelabs.labs")

UPLOAD: Final = "git-upload-pack"
RECEIVE: Final = "git-receive-pack"
_ASKED: Final = 64 << 20
"""Bytes that a client may say of what it has and wants."""

_PROTOCOL: Final = re.compile(r"version=[012]")
_REALM: Final = 'Basic realm="MachineLabs: any user name, a hub token as password", charset="UTF-8"'
_NEVER: Final = {"cache-control": "no-cache, max-age=0, must-revalidate"}


class NotForGit(NotFound):
    """An address below a repository that git's smart protocol does not use."""

    code = "not_for_git"

    def __init__(self) -> None:
        super().__init__(
            "There are no files of a repository here. Use git itself, version 1.6.6 or newer, "
            "with `git clone` and this address up to `.git`."
        )


class Git:
    """An ASGI application for all repositories."""

    def __init__(self, *, settings: Settings) -> None:
        self._settings = settings
        self._turns = Turns(settings.limits.git_at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            refusal = await self._answer(request, receive, send)
        except MachineLabsError as error:
            refusal = redirect_of(request, error) or _refusal(error)
        except ClientDisconnect:
            return
        if refusal is not None:
            await refusal(scope, receive, send)

    async def _answer(self, request: Request, receive: Receive, send: Send) -> Response | None:
        owner, name = request.path_params["owner"], request.path_params["name"]
        rest = request.path_params["rest"]
        match request.method, rest:
            case "GET", "info/refs":
                service = request.query_params.get("service", "")
            case "POST", "git-upload-pack" | "git-receive-pack":
                service = rest
            case "GET", "":
                return RedirectResponse(f"{LABS_PREFIX}/{owner}/{name}", 303)
            case _:
                raise NotForGit
        if service not in {UPLOAD, RECEIVE}:
            raise NotForGit
        ctx = await _context(request)
        async with self._turns.take(_client(request, ctx)):
            if request.method == "GET" and service == RECEIVE:
                return await _tell_pusher(request, ctx)
            if request.method == "GET":
                await self._tell(request, ctx, receive, send)
            elif service == UPLOAD:
                await self._give(request, ctx, receive, send)
            else:
                return await self._take(request, ctx)
        return None

    async def _tell(self, request: Request, ctx: Context, receive: Receive, send: Send) -> None:
        protocol = _protocol(request)
        path = await _found(ctx, request)
        await answer_of_git(
            ("upload-pack", "--stateless-rpc", "--http-backend-info-refs", path),
            protocol=protocol,
            body=None,
            headers=_headers(f"application/x-{UPLOAD}-advertisement"),
            first=b"" if protocol == "version=2" else _begin(UPLOAD),
            receive=receive,
            send=send,
        )

    async def _give(self, request: Request, ctx: Context, receive: Receive, send: Send) -> None:
        with self._spool() as said:
            if not await take_body(request, said, _ASKED):
                raise TooLarge("This is more than a git client has to say.")
            path = await _found(ctx, request)
            await answer_of_git(
                ("upload-pack", "--stateless-rpc", path),
                protocol=_protocol(request),
                body=said,
                headers=_headers(f"application/x-{UPLOAD}-result"),
                first=b"",
                receive=receive,
                send=send,
            )

    async def _take(self, request: Request, ctx: Context) -> Response:
        owner, name = request.path_params["owner"], request.path_params["name"]
        await run_in_threadpool(ctx.git.check_may_push, owner, name)
        with self._spool() as body:
            is_whole = await take_body(request, body, ctx.git.most_bytes())
            asked = read_push(body)
            if not asked.orders:
                # A client asks like this whether it may push before it sends much.
                said = b""
            else:
                pack = body if is_whole else None
                said = await run_in_threadpool(ctx.git.push, owner, name, asked, pack)
        return Response(said, headers=_NEVER, media_type=f"application/x-{RECEIVE}-result")

    @contextmanager
    def _spool(self) -> Iterator[BinaryIO]:
        folder = Files(self._settings.data).labs / "spool"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            yield cast("BinaryIO", file)


def routes(settings: Settings) -> list[Route]:
    """Return the addresses of repositories: for people, and through the containers' door."""
    git = Git(settings=settings)
    return [
        Route(f"{prefix}/{{owner}}/{{name}}.git/{{rest:path}}", git, include_in_schema=False)
        for prefix in (LABS_PREFIX, f"{API}/git")
    ]


async def _found(ctx: Context, request: Request) -> str:
    try:
        path = await run_in_threadpool(
            ctx.git.to_fetch, request.path_params["owner"], request.path_params["name"]
        )
    except NoLab as error:
        if ctx.person is None:
            # It may be there for somebody: git asks for a name and a password then.
            raise SignInNeeded(
                f"{error} Some labs need a hub token as the password, with any user name."
            ) from error
        raise
    return str(path)


async def _tell_pusher(request: Request, ctx: Context) -> Response:
    owner, name = request.path_params["owner"], request.path_params["name"]
    if ctx.person is None:
        raise SignInNeeded("Push with a hub token as the password, and any user name.")
    refs = await run_in_threadpool(ctx.git.to_push, owner, name)
    told = _begin(RECEIVE) + advertisement(refs, ABILITIES)
    return Response(told, headers=_NEVER, media_type=f"application/x-{RECEIVE}-advertisement")


async def _context(request: Request) -> Context:
    """Find out who asks, by the request's own header alone: a cookie is a browser's."""
    headers = MutableHeaders(raw=list(request.scope["headers"]))
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        headers["authorization"] = f"Bearer {_password(given)}"
    del headers["cookie"]
    return await context(Request(dict(request.scope) | {"headers": headers.raw}))


def _password(given: str) -> str:
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    # Some people give the token as the name, and nothing else.
    return password or user


def _client(request: Request, ctx: Context) -> str:
    if ctx.person is not None:
        return ctx.person.name
    return f"address {request.client.host if request.client else ''}"


def _protocol(request: Request) -> str:
    said = request.headers.get("git-protocol", "")
    return said if _PROTOCOL.fullmatch(said) else ""


def _headers(kind: str) -> list[tuple[bytes, bytes]]:
    said = {"content-type": kind} | _NEVER
    return [(name.encode(), value.encode()) for name, value in said.items()]


def _begin(service: str) -> bytes:
    return line(f"# service={service}\n") + FLUSH


def _refusal(error: MachineLabsError) -> Response:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("git: %s: %s", error.code, error)
    # git shows a refusal's text in the terminal if it is plain.
    answer = PlainTextResponse(f"{error}\n", error.status, {"Cache-Control": "no-store"})
    if error.status is HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = _REALM
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(error.seconds)
    return answer
