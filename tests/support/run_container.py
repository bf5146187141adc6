"""A run's container as the labs service sees it, and what the run's page answers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from tests.support.labs_service import LabsServer
from tests.support.run_desk import CODE, TOKEN, RunDesk, ordered


@dataclass(frozen=True, slots=True)
class Runner:
    """What a run's container does over HTTP."""

    desk: RunDesk
    http: httpx.Client

    def tell(self, first: int, *events: dict[str, Any]) -> int:
        at = "2026-01-01T00:00:00+00:00"
        told = [{"n": first + place, "at": at} | event for place, event in enumerate(events)]
        answer = self.http.post("/events", json={"first": first, "events": told})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["next"])

    def end(self, state: str = "finished", **reason: Any) -> None:
        body = {"state": state} | ({"reason": reason} if reason else {})
        self.http.post("/end", json=body).raise_for_status()

    @property
    def page(self) -> str:
        """Where its page is, without the service's own address."""
        return f"/{self.desk.lab.path}/runs/{self.desk.run.number}"


@contextmanager
def running(server: LabsServer, files: Mapping[str, bytes], **draft: Any) -> Iterator[Runner]:
    """Order a run of these files and begin it, as its container does."""
    desk = ordered(server, files, **draft)
    with httpx.Client(base_url=desk.url, timeout=30) as http:
        shown = {"code": CODE, "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        yield Runner(desk, http)


def page(http: httpx.Client, path: str, status: int = 200) -> str:
    """Return the page at this path, which must answer with this status."""
    answer = http.get(path)
    assert answer.status_code == status, answer.text
    return answer.text
