"""A stand-in for a run's container: a process of the Hub that does what its parameters say.

It speaks to the real labs service as the runner does: code, events, end. `do`: `finish` (after
`seconds`), `die` (without a word), `disobey` (goes on whatever it is told).
"""

import json
import os
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx


class _Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    """Run until done, or until told to stop."""
    mine = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    door = HTTPServer((mine.hostname or "127.0.0.1", mine.port or 0), _Ready)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    url, code = os.environ["MACHINELABS_RUN_URL"], os.environ["MACHINELABS_RUN_CODE"]
    with httpx.Client(base_url=url, timeout=10, trust_env=False) as labs:
        time.sleep(float(os.environ.get("SECONDS_UNTIL_THE_FIRST_WORD", "0")))
        token = secrets.token_urlsafe(32)
        order = ask(labs, "/exchange", {"code": code, "token": token})
        labs.headers["Authorization"] = f"Bearer {token}"
        do, until = order["parameters"].get("do"), float(order["parameters"].get("seconds", 0))
        begun, n = time.monotonic(), 1
        while True:
            event = {"n": n, "at": "x", "kind": "stdout", "text": f"{n}\n"}
            heard = ask(labs, "/events", {"first": n, "events": [event]})
            n += 1
            if do == "die" and n > 3:
                os._exit(1)
            if heard["stop"] and do != "disobey":
                ask(labs, "/end", {"state": "stopped"})
                return
            if time.monotonic() - begun >= until and do == "finish":
                ask(labs, "/end", {"state": "finished"})
                return
            time.sleep(0.1)


def ask(labs: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    """Ask until there is an answer: the service may be away for a while."""
    while True:
        try:
            answer = labs.post(path, json=body)
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if answer.status_code < 500:
            answer.raise_for_status()
            return json.loads(answer.content)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
