"""The templates of a site: labs to begin with."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import quote

from machinelabs.transport import Transport


@dataclass(frozen=True, slots=True)
class Template:
    """A lab to begin with."""

    name: str
    title: str
    description: str
    image: str | None


class Templates:
    """What a site offers to begin with."""

    def __init__(self, *, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> tuple[Template, ...]:
        """Return all templates, the plainest first."""
        rows = self._transport.json("GET", "templates")["items"]
        return tuple(
            Template(row["name"], row["title"], row["description"], row.get("image"))
            for row in rows
        )

    def archive(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Read the files of a template as a tar."""
        return self._transport.stream(f"templates/{quote(name, safe='')}/archive")
