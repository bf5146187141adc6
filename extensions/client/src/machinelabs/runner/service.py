"""Speak with the labs service as one run: all is tried again until it answers."""

import asyncio
import contextlib
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import IO, Any, BinaryIO, Final
from urllib.parse import quote

import httpx

from machinelabs.runner.words import Ended, Order

FIRST_WAIT: Final = 0.2
LONGEST_WAIT: Final = 2.0
CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 15.0
TRANSFER_SECONDS: Final = 300.0
CHUNK: Final = 1 << 18

GONE: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.GONE})
LISTED: Final = 1000
"""Files of a dataset that are asked for at one go."""

FULL_TRIES: Final = 30
"""How often a run sends files to a site whose disk is full, about a minute; then each once."""


class Dismissed(Exception):
    """The site does not know this run, or not any more: there is nobody to work for."""


class Refused(Exception):
    """The site will not take or give something, and says why; `code` is for programs."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Told:
    """What the site answered to events."""

    next: int
    stop: bool
    full: bool = False
    """Nothing more that is printed is kept."""
    key: str = ""
    """The hash of a key with which the run's person may look into it now."""
    gpu: Mapping[str, int] = field(default_factory=dict)
    """What the run does on its GPUs: `gpu_percent`, `gpu_memory_mib`, as far as it is known."""


@dataclass(frozen=True, slots=True)
class InputTold:
    """How far the site is with an input: `fetching`, `ready` or `refused`."""

    state: str
    received: int
    total: int
    sha256: str
    is_kept: bool
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Mounted:
    """A file of a mount."""

    path: str
    size: int
    sha256: str


class Service:
    """The runner's part of the labs API, at `url`: …/runner/ID."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/",
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
        )
        self._fulls = 0
        """How often the site's disk was full."""

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def exchange(self, code: str) -> Order:
        """Return what is to be done; from now on this is the only one who can say so.

        Raises:
            Dismissed: the code was used already, or is none of the site's.
        """
        # Ours from the first try on: where the answer is lost, it can be asked for again.
        token = secrets.token_urlsafe(32)
        said = {"code": code, "token": token}
        answer = await self._insist(lambda: self._http.post("exchange", json=said))
        order = Order.from_json(_checked(answer).json())
        self._http.headers["Authorization"] = f"Bearer {token}"
        return order

    async def fetch_files(self, into: IO[bytes]) -> None:
        """Write the revision's files, as a tar, to the start of a file."""

        async def once() -> httpx.Response:
            into.seek(0)
            into.truncate()
            async with self._http.stream("GET", "files", timeout=TRANSFER_SECONDS) as answer:
                if not answer.is_success:
                    await answer.aread()
                    return answer
                async for piece in answer.aiter_bytes(CHUNK):
                    into.write(piece)
                return answer

        _checked(await self._insist(once))
        into.seek(0)

    async def ask_input(self, name: str) -> InputTold:
        """Ask for an input of the run, which the site begins to fetch.

        Raises:
            Refused: the run has none of this name.
        """
        path = f"inputs/{quote(name)}"
        said = _checked(await self._insist(lambda: self._http.post(path))).json()
        return InputTold(
            state=str(said["state"]),
            received=int(said["received"]),
            total=int(said["total"]),
            sha256=str(said.get("sha256", "")),
            is_kept=bool(said.get("is_kept")),
            code=str(said.get("code", "")),
            message=str(said.get("message", "")),
        )

    async def list_mounted(self, place: int) -> AsyncIterator[Mounted]:
        """Yield the files of a mount, by path.

        Raises:
            Refused: its dataset is not there any more.
        """
        cursor = ""
        while True:
            query = {"limit": LISTED} | ({"cursor": cursor} if cursor else {})
            path = f"mounts/{place}/files"
            answer = await self._insist(partial(self._http.get, path, params=query))
            said = _checked(answer).json()
            for one in said["items"]:
                yield Mounted(str(one["path"]), int(one["size"]), str(one["sha256"]))
            cursor = said["next"] or ""
            if not cursor:
                return

    async def fetch_mounted(
        self, place: int, file: Mounted, into: IO[bytes], copied: Callable[[int], None]
    ) -> None:
        """Write a file of a mount; what is cut short goes on where it was.

        Raises:
            Refused: its dataset is not there any more.
        """
        await self._fetch(f"mounts/{place}/files/{quote(file.path)}", into, file.sha256, copied)

    async def fetch_input(
        self, name: str, into: IO[bytes], sha256: str, copied: Callable[[int], None]
    ) -> bool:
        """Write an input that is ready into a file; what is cut short goes on where it was.

        Args:
            name: the input's.
            into: an open file; empty.
            sha256: of the content that is meant.
            copied: hears how many bytes are there.

        Returns:
            Whether it was: False if the site does not have it any more.
        """
        return await self._fetch(f"inputs/{quote(name)}", into, sha256, copied)

    async def _fetch(
        self, path: str, into: IO[bytes], sha256: str, copied: Callable[[int], None]
    ) -> bool:
        """Write what is at an address.

        Args:
            path: below the run's address.
            into: an open file; empty.
            sha256: of the content that is meant.
            copied: hears how many bytes are there.

        Returns:
            Whether it was: False if the site does not have it any more.
        """

        async def once() -> httpx.Response:
            done = into.seek(0, os.SEEK_END)
            part = {"Range": f"bytes={done}-", "If-Range": f'"{sha256}"'} if done else {}
            async with self._http.stream(
                "GET", path, headers=part, timeout=TRANSFER_SECONDS
            ) as answer:
                if not answer.is_success:
                    await answer.aread()
                    return answer
                if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
                    into.seek(0)
                    into.truncate()
                async for piece in answer.aiter_bytes(CHUNK):
                    into.write(piece)
                    copied(into.tell())
                return answer

        answer = await self._insist(once)
        if not answer.is_success and _body(answer).get("code") == "input_not_ready":
            return False
        if answer.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            # Else all of it is here: the answer broke off behind its last byte.
            _checked(answer)
        into.flush()
        return True

    async def tell(self, first: int, events: bytes) -> Told:
        """Send events once: a JSON list of them, of which the first has the number `first`.

        Raises:
            httpx.TransportError: no answer; they may have arrived all the same.
            Dismissed: the site does not want them.
        """
        body = b'{"first":%d,"events":%s}' % (first, events)
        answer = await self._http.post(
            "events", content=body, headers={"Content-Type": "application/json"}
        )
        if _is_no_word(answer):
            raise httpx.RemoteProtocolError(f"status {answer.status_code}")
        if answer.status_code == HTTPStatus.CONFLICT and "next" in (body_of := _body(answer)):
            return Told(next=int(body_of["next"]), stop=bool(body_of.get("stop")))
        said = _checked(answer).json()
        return Told(
            int(said["next"]),
            stop=bool(said.get("stop")),
            full=bool(said.get("full")),
            key=str(said.get("key") or ""),
            gpu=_gpu_of(said.get("gpu")),
        )

    async def put_output(self, path: str, file: BinaryIO) -> None:
        """Send a file that the run put out.

        Raises:
            Refused: it is too much, or cannot be called so.
        """
        await self._put(f"outputs/{quote(path)}", file)

    async def drop_output(self, path: str) -> None:
        """Take back a file that was sent, if the site can; kept is no harm."""
        with contextlib.suppress(httpx.TransportError):
            await self._http.delete(f"outputs/{quote(path)}")

    async def put_notebook(self, file: BinaryIO) -> None:
        """Send the executed notebook.

        Raises:
            Refused: it is too much.
        """
        await self._put("notebook", file)

    async def end(self, ended: Ended, *, holds: bool = False) -> float:
        """Say how the run ended; return for how many seconds it is held so that it can be seen.

        Args:
            ended: how it ended.
            holds: whether there is something left to be looked at.
        """
        said = ended.to_json() | {"holds": holds}
        answer = _checked(await self._insist(lambda: self._http.post("end", json=said)))
        return float(answer.json().get("held_seconds") or 0)

    async def _put(self, path: str, file: BinaryIO) -> None:
        digest, size = sha256_of(file)
        headers = {
            "X-Sha256": digest,
            "Content-Length": str(size),
            "Content-Type": "application/octet-stream",
        }

        async def once() -> httpx.Response:
            answer = await self._http.put(
                path, content=_pieces(file, size), headers=headers, timeout=TRANSFER_SECONDS
            )
            if answer.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
                self._fulls += 1
                if self._fulls >= FULL_TRIES:
                    raise Refused(_sentence(answer), str(_body(answer).get("code") or ""))
            return answer

        _checked(await self._insist(once))

    async def _insist(self, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """Ask until there is an answer that is not a failure of the service itself."""
        wait = FIRST_WAIT
        while True:
            try:
                answer = await ask()
            except httpx.TransportError:
                pass
            else:
                if not _is_no_word(answer):
                    return answer
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)


def _gpu_of(said: Any) -> dict[str, int]:
    told = said if isinstance(said, dict) else {}
    names = {"percent": "gpu_percent", "memory_mib": "gpu_memory_mib"}
    return {name: told[key] for key, name in names.items() if isinstance(told.get(key), int)}


_LATER: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})


def _is_no_word(answer: httpx.Response) -> bool:
    """Tell whether an answer is not the service's, or says only that it cannot now."""
    if answer.is_success:
        return False
    # What stands between us and the service answers in its stead while it is away.
    is_ours = "code" in _body(answer)
    return answer.is_server_error or answer.status_code in _LATER or not is_ours


def sha256_of(file: BinaryIO) -> tuple[str, int]:
    """Return the sha256 of a file's content, and its size."""
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := file.read(CHUNK):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


async def _pieces(file: BinaryIO, size: int) -> AsyncIterator[bytes]:
    # What the code left running may still write to it: no more is sent than was measured.
    file.seek(0)
    left = size
    while left and (piece := os.read(file.fileno(), min(CHUNK, left))):
        left -= len(piece)
        yield piece


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    if answer.status_code in GONE:
        raise Dismissed(_sentence(answer))
    raise Refused(_sentence(answer), str(_body(answer).get("code") or ""))


def _sentence(answer: httpx.Response) -> str:
    return str(_body(answer).get("message") or f"The site answered {answer.status_code}.")


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
