"""What a site says about labs, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Parent:
    """The revision that a lab was forked from; `exists` is False when the lab is gone.

    `synced` is the newest revision of it that is merged into the fork.
    """

    owner: str
    name: str
    revision: int
    exists: bool
    synced: int


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab as its page shows it; `revision` is the newest."""

    owner: str
    name: str
    title: str
    description: str
    tags: tuple[str, ...]
    visibility: str
    licence: str
    image: str | None
    flavour: str | None
    entrypoint: str | None
    revision: int
    parent: Parent | None
    forks: int
    stars: int
    created_at: datetime
    updated_at: datetime
    url: str
    files_count: int
    size_bytes: int
    may_edit: bool

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read a lab from the API's JSON; keys that are unknown here are passed over."""
        parent = body.get("parent")
        return cls(
            owner=body["owner"],
            name=body["name"],
            title=body["title"],
            description=body["description"],
            tags=tuple(body["tags"]),
            visibility=body["visibility"],
            licence=body["licence"],
            image=body.get("image"),
            flavour=body.get("flavour"),
            entrypoint=body.get("entrypoint"),
            revision=body["revision"],
            parent=parent
            and Parent(
                parent["owner"],
                parent["name"],
                parent["revision"],
                parent["exists"],
                parent["synced"],
            ),
            forks=body["forks"],
            stars=body["stars"],
            created_at=datetime.fromisoformat(body["created_at"]),
            updated_at=datetime.fromisoformat(body["updated_at"]),
            url=body["url"],
            files_count=body["files_count"],
            size_bytes=body["size_bytes"],
            may_edit=bool(body.get("may", {}).get("edit", False)),
        )


@dataclass(frozen=True, slots=True)
class LabPage:
    """Some labs and where the next ones begin (None: these were the last)."""

    labs: tuple[Lab, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class LabDraft:
    """What a person says about a lab that they publish.

    `name` is made from the title if empty; `owner` is `@group` of theirs, or empty for themself.
    """

    title: str
    name: str = ""
    owner: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    visibility: str = "private"
    licence: str = "MIT"
    image: str | None = None
    flavour: str | None = None
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the API's JSON; what was left empty is left to the site."""
        body: dict[str, Any] = {
            "title": self.title,
            "description": self.description,
            "tags": list(self.tags),
            "visibility": self.visibility,
            "licence": self.licence,
        }
        chosen = {
            "name": self.name,
            "owner": self.owner,
            "image": self.image,
            "flavour": self.flavour,
            "message": self.message,
        }
        return body | {key: value for key, value in chosen.items() if value}


@dataclass(frozen=True, slots=True)
class Revision:
    """One numbered, immutable state of a lab."""

    number: int
    message: str
    author: str
    created_at: datetime
    size_bytes: int
    files_count: int

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read a revision from the API's JSON."""
        return cls(
            number=body["number"],
            message=body["message"],
            author=body["author"],
            created_at=datetime.fromisoformat(body["created_at"]),
            size_bytes=body["size_bytes"],
            files_count=body["files_count"],
        )


@dataclass(frozen=True, slots=True)
class LabFile:
    """One file of a revision."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence that a lab may have: its SPDX id and its name."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whose token this is; `owners` are whose their new labs can be: theirs, their groups'."""

    name: str
    display_name: str
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the site takes, in MiB and files."""

    file_mib: int
    notebook_mib: int
    lab_mib: int
    lab_files: int

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read the limits from the API's JSON."""
        return cls(body["file_mib"], body["notebook_mib"], body["lab_mib"], body["lab_files"])
