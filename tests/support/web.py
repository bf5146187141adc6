"""A host of the web on this machine, with the faults that hosts have."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.places import free_port


@dataclass
class Page:
    """What an address holds.

    Attributes:
        cuts: after how many bytes the connection breaks, one for each answer with content.
        statuses: what the first answers are instead.
        resumes: whether parts are given.
        says_length: whether it says how much comes.
        seconds: how long the content takes.
        to: where it leads, in place of a content.
    """

    content: bytes = b""
    etag: str = ""
    changed: str = ""
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    resumes: bool = True
    says_length: bool = True
    seconds: float = 0
    to: str = ""


@dataclass
class Web:
    """The host; `asked` are the requests that came, each with its headers."""

    port: int
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def put(self, path: str, content: bytes = b"", **more: Any) -> str:
        """Let an address hold something; return the address."""
        self.pages[path] = Page(content, **more)
        return self.url(path)

    def times(self, path: str) -> int:
        """How often an address was asked for."""
        return sum(one == path for one, _ in self.asked)


@contextmanager
def web() -> Iterator[Web]:
    """Run a host on a free port."""
    here = Web(free_port())

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            here.asked.append((self.path, dict(self.headers)))
            _answer(self, here.pages.get(self.path.partition("?")[0]))

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", here.port), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(to: BaseHTTPRequestHandler, page: Page | None) -> None:
    if page is None or page.statuses or page.to:
        status = 404 if page is None else page.statuses.pop(0) if page.statuses else 302
        to.send_response(status)
        if page and page.to and status == 302:
            to.send_header("Location", page.to)
        to.send_header("Content-Length", "0")
        to.end_headers()
        return
    known = to.headers.get("If-None-Match") == page.etag and page.etag
    start = _start(to, page)
    part = page.content[start:]
    to.send_response(304 if known else 206 if start else 200)
    for name, value in (("ETag", page.etag), ("Last-Modified", page.changed)):
        if value:
            to.send_header(name, value)
    if start:
        last = len(page.content) - 1
        to.send_header("Content-Range", f"bytes {start}-{last}/{last + 1}")
    if page.says_length and not known:
        to.send_header("Content-Length", str(len(part)))
    else:
        to.close_connection = True
        to.send_header("Connection", "close")
    to.end_headers()
    if not known:
        _send(to, page, part)


def _start(to: BaseHTTPRequestHandler, page: Page) -> int:
    asked, same = to.headers.get("Range", ""), to.headers.get("If-Range", "")
    if not page.resumes or not asked or (same and same not in {page.etag, page.changed}):
        return 0
    return int(asked.removeprefix("bytes=").removesuffix("-"))


def _send(to: BaseHTTPRequestHandler, page: Page, part: bytes) -> None:
    sends = part[: page.cuts.pop(0)] if page.cuts else part
    steps = 20 if page.seconds else 1
    size = -(-len(sends) // steps) or 1
    try:
        for at in range(0, len(sends), size):
            to.wfile.write(sends[at : at + size])
            to.wfile.flush()
            time.sleep(page.seconds / steps)
    except OSError:
        # Whoever asked is gone.
        to.close_connection = True
    if len(sends) < len(part):
        to.close_connection = True
