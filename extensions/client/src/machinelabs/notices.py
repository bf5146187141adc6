"""What a server's people are told by the site: it will stop, and why; and their answers."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from machinelabs.transport import Transport


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that the site tells.

    Attributes:
        kind: `idle`, `hours`, `share`, `card` or `reserved`.
        seconds_left: until the server (or what the sentence names) is stopped; None: it only
            tells.
        is_final: what is open is to be saved now; the stop follows the confirmation.
        may_keep: whether somebody who says so keeps the server.
    """

    id: str
    kind: str
    sentence: str
    seconds_left: float | None
    is_final: bool
    may_keep: bool

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Notice":
        """Read one item of the API's answer."""
        left = row["seconds_left"]
        return cls(
            id=str(row["id"]),
            kind=str(row["kind"]),
            sentence=str(row["sentence"]),
            seconds_left=None if left is None else float(left),
            is_final=bool(row["is_final"]),
            may_keep=bool(row["may_keep"]),
        )


class Notices:
    """The notices of one's servers. `server` is empty for the default one."""

    def __init__(self, *, transport: Transport) -> None:
        self._transport = transport

    def list(self, server: str = "") -> tuple[Notice, ...]:
        """Return what holds for a server now."""
        body = self._transport.json("GET", "me/notices", params={"server": server})
        return tuple(Notice.from_json(row) for row in body["items"])

    def confirm(self, notice: str) -> None:
        """Say that all is saved: the server may be stopped."""
        self._transport.json("POST", f"me/notices/{quote(notice, safe='')}/confirm", json={})

    def keep(self, server: str = "") -> None:
        """Say that somebody needs the server now."""
        self._transport.json("POST", "me/keep", json={"server": server})
