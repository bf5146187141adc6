"""Runs of a real site, as the person who starts them and their programs see them."""

import contextlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

import httpx
from tests.support.site import Site
from tests.support.site_labs import api, publish
from tests.support.waiting import wait_until

FINAL = {"finished", "failed", "stopped", "lost"}


@dataclass(frozen=True, slots=True)
class SiteRun:
    """One run of a site. Answers that do not come, as while a part restarts, are asked for anew."""

    site: Site
    person: str
    token: str
    lab: str
    number: int
    id: int

    @property
    def server(self) -> str:
        """The name of its server at the Hub."""
        return f"run-{self.id}"

    @property
    def container(self) -> str:
        return self.site.container_name(self.person, self.server)

    def get(self, path: str = "", **options: Any) -> httpx.Response:
        with api(self.site, self.token) as client:
            answer = client.get(f"/labs/{self.lab}/runs/{self.number}{path}", **options)
            answer.raise_for_status()
            return answer

    def order(self, what: str) -> None:
        with api(self.site, self.token) as client:
            client.post(f"/labs/{self.lab}/runs/{self.number}/{what}").raise_for_status()

    @property
    def state(self) -> str:
        with contextlib.suppress(httpx.HTTPError):
            return str(self.get().json()["state"])
        return "unknown"

    @property
    def reason(self) -> Any:
        return self.get().json()["reason"]

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self.get("/events", params={"after": after}).json()
            found += page["items"]
            after = page["next"]
        return [event for event in found if not kinds or event["kind"] in kinds]

    def said(self) -> str:
        """What it printed, so far; nothing while the service does not answer."""
        with contextlib.suppress(httpx.HTTPError):
            return "".join(event["text"] for event in self.events("stdout"))
        return ""

    def outputs(self) -> list[str]:
        return [row["path"] for row in self.get("/outputs").json()["items"]]

    def wait_for(self, *states: str, seconds: float = 60) -> str:
        """Wait until it is in one of these states (none named: in a final one)."""
        wanted = set(states) or FINAL

        def there() -> bool:
            state = self.state
            assert state in wanted or state not in FINAL, (state, self.reason, self.events())
            return state in wanted

        wait_until(there, seconds=seconds, what=f"{self.server} is {' or '.join(wanted)}")
        return self.state

    def is_gone(self) -> bool:
        """Whether neither the Hub nor the engine has anything left of it."""
        try:
            answer = self.site.operator("GET", f"/users/{self.person}?include_stopped_servers")
            answer.raise_for_status()
        except httpx.HTTPError:
            # The Hub is on its way back.
            return False
        command = ["docker", "ps", "-aq", "--filter", f"name=^/{self.container}$"]
        left = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        token = {"Authorization": f"token {self.site.files.secret('proxy_token')}"}
        routes = httpx.get(f"{self.site.addresses.proxy_api}/api/routes", headers=token).json()
        is_routed = any(f"/{self.server}/" in f"{route}/" for route in routes)
        return self.server not in answer.json()["servers"] and not left.strip() and not is_routed

    def settled(self, seconds: float = 60) -> None:
        """Wait until nothing is left of its server: no container, no route, not even its name."""
        wait_until(self.is_gone, seconds=seconds, what=f"nothing is left of {self.server}")

    def wait_to_say(self, text: str, *, seconds: float = 60) -> None:
        """Wait until it has printed something."""
        wait_until(lambda: text in self.said(), seconds=seconds, what=f"it says {text!r}")


def start(site: Site, person: str, name: str, files: Mapping[str, bytes], **draft: Any) -> SiteRun:
    """Publish a lab as a person and order a run of it."""
    token = site.token(person)
    publish(site, token, name, files)
    return again(site, person, token, f"{person}/{name}", **draft)


def again(site: Site, person: str, token: str, lab: str, **draft: Any) -> SiteRun:
    """Order another run of a lab."""
    with api(site, token) as client:
        answer = client.post(f"/labs/{lab}/runs", json=draft)
        assert answer.status_code == 201, answer.text
        run = json.loads(answer.text)
    return SiteRun(site, person, token, lab, run["number"], run["id"])


def most_at_once(told: Sequence[Mapping[str, Any]]) -> int:
    """Return how many of these runs were begun and not over at once, at most.

    Args:
        told: what the API says of each; all of them are over.
    """
    times = [(datetime.fromisoformat(one["started_at"]), 1) for one in told]
    times += [(datetime.fromisoformat(one["ended_at"]), -1) for one in told]
    # Who ends in the moment in which another starts has ended: -1 sorts before 1.
    return max(accumulate(change for _, change in sorted(times)))
