"""What the client makes of answers, over a real connection."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from machinelabs import Hub, TarStream, errors
from machinelabs.hub import split

Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A server that answers as it is told."""

    def __init__(self) -> None:
        self.answer: Answer = json_answer(200, {})
        self.seen: list[tuple[str, str, str | None]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.seen.append((self.command, self.path, self.headers["Authorization"]))
                site.answer(self)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/services/labs"


def json_answer(status: int, body: object, text: str | None = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        content = (json.dumps(body) if text is None else text).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.01,))
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "bad_token", errors.SignInNeeded),
        (403, "not_allowed", errors.NotAllowed),
        (404, "not_found", errors.NotFound),
        (409, "name_taken", errors.NameTaken),
        (409, "stale_revision", errors.StaleRevision),
        (409, "else", errors.Conflict),
        (413, "lab_too_large", errors.TooLarge),
        (422, "bad_path", errors.BadInput),
        (429, "too_many", errors.TooMany),
        (500, "error", errors.SiteFault),
    ],
)
def test_a_refusal_becomes_the_class_that_fits(
    site: Site, status: int, code: str, kind: type[errors.HubError]
) -> None:
    site.answer = json_answer(status, {"code": code, "message": "A sentence."})
    with Hub(site.url, "tok") as hub, pytest.raises(errors.HubError) as caught:
        hub.labs.get("alice/x")
    assert type(caught.value) is kind
    assert caught.value.code == code
    if kind is not errors.SignInNeeded:
        assert str(caught.value) == "A sentence."


def test_an_expired_token_says_what_to_do_and_not_the_token(site: Site) -> None:
    site.answer = json_answer(401, {"code": "x", "message": "tok is bad"})
    with Hub(site.url, "tok") as hub, pytest.raises(errors.SignInNeeded, match="expired") as caught:
        hub.me()
    assert "tok " not in str(caught.value)
    assert site.seen == [("GET", "/services/labs/api/v1/me", "Bearer tok")]


@pytest.mark.parametrize("text", ["", "<html>", "[]", "null", '"x"', '{"owner": 1}'])
def test_an_answer_of_something_else_is_a_site_fault(site: Site, text: str) -> None:
    site.answer = json_answer(200, None, text)
    with Hub(site.url) as hub, pytest.raises(errors.SiteFault):
        hub.labs.get("alice/x")


@pytest.mark.parametrize("status", [302, 404, 502])
def test_an_error_without_json_still_has_a_sentence(site: Site, status: int) -> None:
    site.answer = json_answer(status, None, "<h1>nginx</h1>")
    with Hub(site.url) as hub, pytest.raises(errors.HubError) as caught:
        hub.labs.get("alice/x")
    assert str(caught.value).endswith(".")
    assert "nginx" not in str(caught.value)


def test_a_site_that_is_away_is_offline() -> None:
    with Hub("http://127.0.0.1:9/services/labs") as hub, pytest.raises(errors.Offline):
        hub.labs.get("alice/x")


def test_a_proxy_that_waited_no_longer_is_a_site_that_is_away(site: Site) -> None:
    site.answer = json_answer(408, None, "")
    with Hub(site.url) as hub, pytest.raises(errors.Offline, match="took too long"):
        hub.labs.get("alice/x")


def test_a_line_that_breaks_in_the_middle_of_an_archive_is_offline(site: Site) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.wfile.flush()
        handler.close_connection = True

    site.answer = answer
    with (
        Hub(site.url) as hub,
        pytest.raises(errors.Offline),
        hub.labs.archive("alice/x") as archive,
    ):
        archive.read()


def test_a_refused_archive_is_the_error_and_no_stream(site: Site) -> None:
    site.answer = json_answer(404, {"code": "not_found", "message": "No."})
    with Hub(site.url) as hub, pytest.raises(errors.NotFound), hub.labs.archive("alice/x"):
        pass


def test_a_publish_refused_before_all_was_sent_is_no_crash(site: Site) -> None:
    site.answer = json_answer(413, {"code": "too_large", "message": "Too large."})
    with Hub(site.url) as hub, pytest.raises(errors.HubError):
        hub.labs.revise("alice/x", TarStream([]), base=1)


@pytest.mark.parametrize("lab", ["", "x", "a/b/c", "/", "a/", "/b", "../x", "a/.."])
def test_what_is_no_lab_is_refused_here(lab: str) -> None:
    with pytest.raises(errors.BadInput, match="owner/name"):
        split(lab)


def test_a_name_cannot_leave_its_place_in_the_address(site: Site) -> None:
    site.answer = json_answer(404, {})
    with Hub(site.url) as hub, pytest.raises(errors.NotFound):
        hub.labs.get("a?b#c/%2e%2e")
    assert site.seen[0][1] == "/services/labs/api/v1/labs/a%3Fb%23c/%252e%252e"


def test_what_is_made_is_asked_for_again_by_the_same_key_when_the_line_breaks(site: Site) -> None:
    keys: list[str | None] = []

    def broken_line(handler: BaseHTTPRequestHandler) -> None:
        keys.append(handler.headers["Idempotency-Key"])
        if len(keys) == 1:
            handler.close_connection = True
            return
        json_answer(201, {"number": 7})(handler)

    site.answer = broken_line
    with Hub(site.url, "tok") as hub:
        assert hub.labs.propose("ada/digits", fork="ben/digits", title="T") == 7
    assert len(keys) == 2
    assert keys[0]
    assert keys[0] == keys[1]
