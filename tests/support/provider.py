"""A peer that speaks GitHub's, GitLab's and Google's sign-in, as their manuals say, on loopback.

It stands in for services that no test can reach. Who signs in is the code that the browser
brings back, so the tests choose a person by asking for the code of that name.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

PEOPLE: dict[str, dict[str, Any]] = {
    "member": {"id": 11, "orgs": ["acme"], "teams": ["acme:ml"], "hd": "acme.org"},
    "stranger": {"id": 12, "orgs": ["other"], "teams": [], "hd": None},
    "chief": {"id": 13, "orgs": ["acme", "chiefs"], "teams": [], "hd": "chiefs.org"},
    "named": {"id": 14, "orgs": [], "teams": [], "hd": None},
    "unverified": {"id": 15, "orgs": [], "teams": [], "hd": "acme.org"},
}


class Peer(BaseHTTPRequestHandler):
    """Answers for whoever `who` is set to."""

    who = ""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path.endswith(("/authorize", "/auth")):
            asked = parse_qs(address.query)
            back = urlencode({"code": self.who, "state": asked["state"][0]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri'][0]}?{back}")
            self.end_headers()
            return
        self.give(self.answer(address.path))

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = {"access_token": f"token-{sent['code'][0]}", "token_type": "bearer"}
        self.give({**token, "scope": "read:org,openid,email"})

    def answer(self, path: str) -> Any:
        name = self.headers["Authorization"].rpartition("token-")[2]
        person = PEOPLE[name]
        teams = [team.split(":") for team in person["teams"]]
        answers: dict[str, Any] = {
            "/api/v3/user": {"id": person["id"], "login": name.title(), "email": None},
            "/api/v3/user/orgs": [{"login": org} for org in person["orgs"]],
            "/api/v3/user/teams": [
                {"slug": slug, "organization": {"login": org}} for org, slug in teams
            ],
            "/api/v4/user": {"id": person["id"], "username": name},
            "/oauth/userinfo": {"sub": str(person["id"]), "groups": person["orgs"]},
            "/oauth2/v1/userinfo": {
                "id": str(person["id"]),
                "email": f"{name}@acme.org",
                "verified_email": name != "unverified",
                **({"hd": person["hd"]} if person["hd"] else {}),
            },
        }
        return answers[path]

    def give(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def running_peer() -> Iterator[str]:
    """Run the peer; the address that it listens at is given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
