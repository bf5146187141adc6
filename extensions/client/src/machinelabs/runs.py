"""The runs of a site's labs: order, read, follow, stop, and get what they put out."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final, Self
from urllib.parse import quote

from machinelabs.errors import Offline, SiteFault
from machinelabs.transport import Transport, understood

_EVERY_SECONDS: Final = 1.0
_AWAY_SECONDS: Final = 3.0
_STREAM: Final = {"Accept": "text/event-stream"}
_PAGE: Final = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of one revision of a lab.

    Attributes:
        lab: `owner/name`.
        number: its number in the lab.
        reason: why it ended, as a sentence; empty: there is nothing to say.
        may_stop: whether this person may stop it now.
    """

    lab: str
    number: int
    state: str
    is_final: bool
    out_of_contact: bool
    person: str
    name: str
    revision: int
    path: str
    image: str
    flavour: str
    parameters: Mapping[str, Any]
    created_at: datetime
    running_at: datetime | None
    ended_at: datetime | None
    reason: str
    has_notebook: bool
    url: str
    may_stop: bool

    @property
    def full_name(self) -> str:
        """`owner/name#12`."""
        return f"{self.lab}#{self.number}"

    @property
    def seconds(self) -> float | None:
        """How long it ran; None: it did not, or still does."""
        if self.running_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.running_at).total_seconds()

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read a run from the API's JSON; keys that are unknown here are passed over."""
        return cls(
            lab=body["lab"],
            number=body["number"],
            state=body["state"],
            is_final=body["is_final"],
            out_of_contact=body["out_of_contact"],
            person=body["person"],
            name=body["name"],
            revision=body["revision"],
            path=body["path"],
            image=body["image"],
            flavour=body["flavour"],
            parameters=dict(body["parameters"]),
            created_at=datetime.fromisoformat(body["created_at"]),
            running_at=_time(body["running_at"]),
            ended_at=_time(body["ended_at"]),
            reason=body["reason"]["sentence"] if body["reason"] else "",
            has_notebook=body["has_notebook"],
            url=body["url"],
            may_stop=body["may"]["stop"],
        )


@dataclass(frozen=True, slots=True)
class RunOutput:
    """A file that a run put out."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Events:
    """A part of a run's log; `is_end` says that nothing will ever come after it."""

    items: tuple[Mapping[str, Any], ...]
    has_more: bool
    is_end: bool


class Runs:
    """The runs of a site. `lab` is spelled `owner/name`."""

    def __init__(self, *, transport: Transport, path: Callable[[str], str]) -> None:
        self._transport = transport
        self._lab_path = path

    def order(self, lab: str, *, parameters: Mapping[str, Any] | None = None, **wishes: Any) -> Run:
        """Order a run; it waits for its turn.

        Args:
            lab: whose revision is to run.
            parameters: values by name; text is read as the type that the notebook declares.
            wishes: revision, path, image, flavour, name, note, hold; what is left out is the lab's.
        """
        said = {key: value for key, value in wishes.items() if value}
        body = self._transport.create(
            f"{self._lab_path(lab)}/runs", said | {"parameters": dict(parameters or {})}
        )
        return understood(lambda: Run.from_json(body))

    def form(self, lab: str, *, revision: int | None = None, path: str = "") -> dict[str, Any]:
        """Return what an order of a run begins with: file, image, size, and the values it takes.

        It is what the API says (`GET /labs/{owner}/{name}/runs/form`).
        """
        asked = {"revision": str(revision) if revision else "", "path": path}
        params = {key: value for key, value in asked.items() if value}
        body = self._transport.json("GET", f"{self._lab_path(lab)}/runs/form", params=params)
        return understood(lambda: dict(body))

    def get(self, lab: str, number: int) -> Run:
        """Return a run."""
        body = self._transport.json("GET", self._path(lab, number))
        return understood(lambda: Run.from_json(body))

    def stop(self, lab: str, number: int) -> Run:
        """Order a run to stop; what it put out so far is kept."""
        body = self._transport.json("POST", f"{self._path(lab, number)}/stop")
        return understood(lambda: Run.from_json(body))

    def events(self, lab: str, number: int, *, after: int = 0) -> Events:
        """Return the events of a run that come after this one, as far as one answer holds them."""
        body = self._transport.json(
            "GET", f"{self._path(lab, number)}/events", params={"after": after}, headers=_PAGE
        )
        return understood(
            lambda: Events(
                tuple(dict(item) for item in body["items"]),
                body["next"] is not None,
                body["next"] is None and body["is_final"],
            )
        )

    def follow(
        self,
        lab: str,
        number: int,
        *,
        after: int = 0,
        on_run: Callable[[Run], None] = lambda _: None,
        on_away: Callable[[Offline], None] = lambda _: None,
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the events of a run, those that were and those to come, until it is over.

        A connection that breaks is made anew, for ever; nothing is lost or doubled.

        Args:
            lab: its lab.
            number: its number.
            after: the number of the event that is known last.
            on_run: told of the run whenever it was asked for.
            on_away: told when the site does not answer.
        """
        while True:
            try:
                run = self.get(lab, number)
                on_run(run)
                page = self.events(lab, number, after=after)
                for event in page.items:
                    after = event["n"]
                    yield event
                if page.has_more:
                    continue
                if page.is_end:
                    on_run(self.get(lab, number))
                    return
                if run.state in {"queued", "starting"}:
                    time.sleep(_EVERY_SECONDS)
                    continue
                for event in self._live(lab, number, after):
                    after = event["n"]
                    yield event
            except Offline as error:
                on_away(error)
                time.sleep(_AWAY_SECONDS)

    def _live(self, lab: str, number: int, after: int) -> Iterator[Mapping[str, Any]]:
        address = f"{self._path(lab, number)}/events"
        with self._transport.stream(address, params={"after": after}, headers=_STREAM) as lines:
            for line in lines:
                if line.startswith(b"data:"):
                    event = _event(line[5:])
                    if isinstance(event.get("n"), int) and event["n"] > after:
                        yield event
                elif line.strip() == b"event: end":
                    return

    def outputs(self, lab: str, number: int) -> Iterator[RunOutput]:
        """Yield the files that a run put out, by path."""
        cursor = ""
        while True:
            params = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            address = f"{self._path(lab, number)}/outputs"
            rows, cursor = _outputs(self._transport.json("GET", address, params=params))
            yield from rows
            if not cursor:
                return

    def output(self, lab: str, number: int, path: str) -> AbstractContextManager[BinaryIO]:
        """Read a file that a run put out, piece by piece."""
        return self._transport.stream(f"{self._path(lab, number)}/outputs/{quote(path)}")

    def notebook(self, lab: str, number: int) -> AbstractContextManager[BinaryIO]:
        """Read the executed notebook of a run, piece by piece."""
        return self._transport.stream(f"{self._path(lab, number)}/notebook")

    def _path(self, lab: str, number: int) -> str:
        return f"{self._lab_path(lab)}/runs/{number}"


def _event(data: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(data)
    except ValueError as error:
        raise SiteFault("The labs service sent an event that this client cannot read.") from error
    return event if isinstance(event, dict) else {}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _outputs(body: Any) -> tuple[tuple[RunOutput, ...], str]:
    return understood(
        lambda: (
            tuple(
                RunOutput(row["path"], row["size_bytes"], row["sha256"]) for row in body["items"]
            ),
            body["next"] or "",
        )
    )
