"""The schedules of a site's labs: have runs ordered again and again, pause and delete that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from machinelabs.transport import Transport, understood


@dataclass(frozen=True, slots=True)
class Schedule:
    """Orders of runs of one lab to come.

    Attributes:
        words: the cron line as people say it.
        next: the next times; none while it is paused.
        last_run: the number of the run that it ordered last; None: none yet.
        last_why: why it ordered nothing when its turn was last, or is paused; empty: it did.
    """

    id: int
    lab: str
    person: str
    cron: str
    zone: str
    words: str
    next: tuple[datetime, ...]
    is_paused: bool
    last_run: int | None
    last_why: str
    name: str
    path: str
    revision: int | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read a schedule from the API's JSON; keys that are unknown here are passed over."""
        run = body["run"]
        return cls(
            id=body["id"],
            lab=body["lab"],
            person=body["person"],
            cron=body["cron"],
            zone=body["zone"],
            words=body["words"],
            next=tuple(map(datetime.fromisoformat, body["next"])),
            is_paused=body["is_paused"],
            last_run=body["last_run"],
            last_why=body["last_why"],
            name=run["name"],
            path=run["path"],
            revision=run["revision"],
        )


class Schedules:
    """The schedules of a site. `lab` is spelled `owner/name`."""

    def __init__(self, *, transport: Transport, path: Callable[[str], str]) -> None:
        self._transport = transport
        self._lab_path = path

    def add(
        self,
        lab: str,
        cron: str,
        *,
        zone: str = "UTC",
        parameters: Mapping[str, Any] | None = None,
        **wishes: Any,
    ) -> Schedule:
        """Have a run of a lab ordered again and again, in your name.

        Args:
            lab: whose revision is to run.
            cron: minute, hour, day of the month, month, day of the week: `0 6 * * 1-5`.
            zone: the time zone whose clock it follows.
            parameters: values by name; text is read as the type that the notebook declares.
            wishes: revision (left out: the newest each time), path, image, flavour, name, note.
        """
        said = {key: value for key, value in wishes.items() if value}
        run = said | {"parameters": dict(parameters or {})}
        body = self._transport.create(self._path(lab), {"cron": cron, "zone": zone, "run": run})
        return understood(lambda: Schedule.from_json(body))

    def list(self, lab: str) -> tuple[Schedule, ...]:
        """Return your schedules of a lab, the last made first; of a lab of yours everybody's."""
        found: list[Schedule] = []
        cursor = ""
        while True:
            params = {"cursor": cursor} if cursor else {}
            rows, cursor = _page(self._transport.json("GET", self._path(lab), params=params))
            found += rows
            if not cursor:
                return tuple(found)

    def pause(self, lab: str, schedule: int) -> Schedule:
        """Let a schedule order nothing until it is resumed."""
        return self._change(lab, schedule, is_paused=True)

    def resume(self, lab: str, schedule: int) -> Schedule:
        """Let a paused schedule of yours order again."""
        return self._change(lab, schedule, is_paused=False)

    def delete(self, lab: str, schedule: int) -> None:
        """Delete a schedule; the runs that it ordered stay."""
        self._transport.json("DELETE", f"{self._path(lab)}/{schedule}")

    def _change(self, lab: str, schedule: int, *, is_paused: bool) -> Schedule:
        address = f"{self._path(lab)}/{schedule}"
        body = self._transport.json("PATCH", address, json={"paused": is_paused})
        return understood(lambda: Schedule.from_json(body))

    def _path(self, lab: str) -> str:
        return f"{self._lab_path(lab)}/schedules"


def _page(body: Any) -> tuple[list[Schedule], str]:
    return understood(
        lambda: ([Schedule.from_json(row) for row in body["items"]], body["next"] or "")
    )
