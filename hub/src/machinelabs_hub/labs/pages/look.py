"""How a page is made: templates filled with what every page shows, and content streamed into it."""

import gzip
import hashlib
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from machinelabs_hub import theme
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.sizes import about, size
from machinelabs_hub.labs.models.values import said
from machinelabs_hub.labs.pages import assets
from machinelabs_hub.labs.render.cache import RENDERER
from machinelabs_hub.labs.storage import kept
from machinelabs_hub.sites import LABS_PREFIX

_PLACE: Final = "<!--ml:content-->"
"""Where content goes into a page. What people write is escaped, so they cannot write this."""

_BATCH: Final = 64 << 10
_WORTH_PACKING: Final = 1000
_EFFORT: Final = 3
_VARY: Final = "Accept-Encoding"
_MOST_PLACES: Final = 10_000
_MOST_CARDS: Final = 5000


def _environment() -> Environment:
    folders = [Path(__file__).parent.parent / "templates", Path(theme.__file__).parent]
    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["size"] = size
    made.filters["about"] = about
    made.filters["said"] = said
    made.globals["static"] = lambda name: assets.address(LABS_PREFIX, name)
    made.globals["labs"] = LABS_PREFIX
    made.globals["card"] = _card
    return made


@lru_cache(maxsize=_MOST_CARDS)
def _card(item: object) -> Markup:
    """Return a lab's card, which is the same wherever and to whomever the same is shown."""
    return Markup(_TEMPLATES.get_template("card.html").render(item=item))  # noqa: S704 - ours


_TEMPLATES: Final = _environment()


def fill(template: str, request: Request, ctx: Context, **values: Any) -> str:
    """Return a template filled with `values` and what every page shows."""
    person = ctx.person
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    everywhere = {
        "site": ctx.settings.site.title,
        "hub": ctx.addresses.hub,
        "docs": ctx.settings.site.docs_url,
        "person": person and {"name": person.name, "is_admin": person.admin},
        "sign_in": f"{LABS_PREFIX}/login?next={quote(here, safe='')}",
        "csrf": ctx.csrf_token,
        "current": "",
        "trouble": "",
        "said": "",
    }
    return _TEMPLATES.get_template(template).render(everywhere | values)


def page(
    template: str,
    request: Request,
    ctx: Context,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    **values: Any,
) -> Response:
    """Return a page without content that people published as HTML."""
    html = fill(template, request, ctx, **values)
    return _answer(html, request, ctx, status)


def page_around(
    content: Iterable[str], template: str, request: Request, ctx: Context, **values: Any
) -> Response:
    """Return a page with rendered content in it, streamed if it comes in several pieces."""
    html = fill(template, request, ctx, content=Markup(_PLACE), **values)  # noqa: S704 - ours
    head, _, tail = html.partition(_PLACE)
    pieces = iter(content)
    first = next(pieces, "")
    second = next(pieces, None)
    if second is None:
        return _answer(f"{head}{first}{tail}", request, ctx)
    stream = _stream(head + first + second, pieces, tail)
    headers = {"Cache-Control": "private, no-cache", "Vary": _VARY}
    if _may_pack(request, ctx):
        stream = _packing(stream)
        headers["Content-Encoding"] = "gzip"
    return StreamingResponse(stream, headers=headers, media_type="text/html")


def _answer(
    html: str, request: Request, ctx: Context, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    body = html.encode("utf-8", "replace")
    headers = {"Cache-Control": "private, no-cache", "Vary": _VARY}
    if len(body) > _WORTH_PACKING and _may_pack(request, ctx):
        body = _packed(body)
        headers["Content-Encoding"] = "gzip"
    return HTMLResponse(body, status, headers)


def _may_pack(request: Request, ctx: Context) -> bool:
    # The length of a packed page that repeats what an address says would tell of its CSRF token.
    return _unpacks(request) and not (ctx.csrf_token and request.url.query)


def _unpacks(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, _EFFORT, mtime=0)


def _packing(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_EFFORT, wbits=31)
    for piece in pieces:
        # Flushed, so that the first cells are on the screen while the last are read.
        yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def tag_of(*parts: object) -> str:
    """Return the ETag of a page that shows just `parts`."""
    text = "\0".join(map(str, (assets.ASSETS.version, RENDERER, *parts)))
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def state_of(ctx: Context) -> tuple[int, int] | None:
    """Return what all pages of who is not signed in are as old as; None: somebody is signed in.

    While it is the same, the same address gives the same page.
    """
    return None if ctx.person is not None else kept.state_of(ctx.tools.sessions)


def unchanged(request: Request, tag: str) -> Response | None:
    """Return the answer for a browser that has the page of this ETag already, else None."""
    known = request.headers.get("if-none-match", "")
    if tag not in known:
        return None
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": _VARY}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)


class KeptPages:
    """The whole pages that were read last, by ETag: an ETag stands for all that a page shows."""

    def __init__(self, *, most_bytes: int = 32 << 20) -> None:
        self._most = most_bytes
        # Packed: most browsers take them so, and more fit.
        self._pages: OrderedDict[str, bytes] = OrderedDict()
        self._places: OrderedDict[object, str] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def find(self, tag: str, request: Request) -> Response | None:
        """Return the page of this ETag as the browser takes it, or None."""
        with self._lock:
            packed = self._pages.get(tag)
            if packed is None:
                return None
            self._pages.move_to_end(tag)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": _VARY}
        if not _unpacks(request):
            return HTMLResponse(gzip.decompress(packed), headers=headers)
        return HTMLResponse(packed, headers=headers | {"Content-Encoding": "gzip"})

    def find_at(self, place: object, request: Request) -> Response | None:
        """Return the page that was noted at `place`, or None; it costs no look-up of the lab."""
        tag = self._places.get(place)
        if tag is None:
            return None
        return unchanged(request, tag) or self.find(tag, request)

    def note(self, place: object, tag: str) -> None:
        """Remember that the page of this ETag is what `find_at` is to find at `place`."""
        with self._lock:
            self._places[place] = tag
            if len(self._places) > _MOST_PLACES:
                self._places.popitem(last=False)

    def keep(self, tag: str, answer: Response) -> Response:
        """Return `answer` with its ETag; a page that is not streamed is kept."""
        answer.headers["ETag"] = tag
        if isinstance(answer, HTMLResponse):
            is_packed = "content-encoding" in answer.headers
            body = bytes(answer.body) if is_packed else _packed(bytes(answer.body))
            with self._lock:
                self._held += len(body) - len(self._pages.pop(tag, b""))
                self._pages[tag] = body
                while self._held > self._most:
                    self._held -= len(self._pages.popitem(last=False)[1])
        return answer


def _stream(head: str, pieces: Iterator[str], tail: str) -> Iterator[bytes]:
    # The first cells leave at once; the others in larger pieces, which cost less each.
    yield head.encode("utf-8", "replace")
    held: list[str] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= _BATCH:
            yield "".join(held).encode("utf-8", "replace")
            held, length = [], 0
    yield ("".join(held) + tail).encode("utf-8", "replace")
