"""The labs of a site: get, list, publish, revise, fork, read."""

import json
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, BinaryIO, Self
from urllib.parse import quote

from machinelabs.datasets import Datasets
from machinelabs.errors import BadInput
from machinelabs.handshakes import Handshakes
from machinelabs.models import (
    Lab,
    LabDraft,
    LabFile,
    LabPage,
    Licence,
    Limits,
    Person,
    Revision,
)
from machinelabs.notices import Notices
from machinelabs.runs import Runs
from machinelabs.schedules import Schedules
from machinelabs.sweeps import Sweeps
from machinelabs.tar import TarStream
from machinelabs.templates import Templates
from machinelabs.transport import Transport, understood
from machinelabs.verifications import Verifications


class Hub:
    """A site, spoken to as the person whose token this is.

    Args:
        url: the labs pages, e.g. `https://labs.example.org/services/labs`.
        token: a token of the hub with the scopes of the labs; None reads public labs.
        trust_env: use the proxies that the environment names.
    """

    def __init__(self, url: str, token: str | None = None, *, trust_env: bool = True) -> None:
        self._transport = Transport(url=url, token=token, trust_env=trust_env)
        self.labs = Labs(transport=self._transport)
        self.runs = Runs(transport=self._transport, path=_path)
        self.sweeps = Sweeps(transport=self._transport, path=_path)
        self.verifications = Verifications(transport=self._transport, path=_path)
        self.schedules = Schedules(transport=self._transport, path=_path)
        self.datasets = Datasets(transport=self._transport)
        self.templates = Templates(transport=self._transport)
        self.handshakes = Handshakes(transport=self._transport)
        self.notices = Notices(transport=self._transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def me(self) -> Person:
        """Return whose token this is."""
        body = self._transport.json("GET", "me")
        return understood(
            lambda: Person(body["name"], body["display_name"], tuple(map(str, body["owners"])))
        )

    def limits(self) -> Limits:
        """Return what the site takes."""
        body = self._transport.json("GET", "limits")
        return understood(lambda: Limits.from_json(body))

    def licences(self) -> tuple[Licence, ...]:
        """Return the licences that a lab may have, the suggested one first."""
        body = self._transport.json("GET", "licences")
        return understood(lambda: tuple(Licence(row["id"], row["title"]) for row in body["items"]))

    def catalog(self) -> dict[str, Any]:
        """Return the images and flavours of the site."""
        body = self._transport.json("GET", "catalog")
        return understood(lambda: dict(body))

    def gpu(self, server: str = "", *, seconds: int = 0) -> dict[str, Any]:
        """Return what one of your servers has of the site's GPUs, and did in the last `seconds`.

        It is what the API says (`GET /me/gpu`); `server` is empty for the default one.
        """
        params = {"server": server, "seconds": str(seconds)}
        body = self._transport.json("GET", "me/gpu", params=params)
        return understood(lambda: dict(body))


class Labs:
    """The labs of a site. `lab` is always spelled `owner/name`."""

    def __init__(self, *, transport: Transport) -> None:
        self._transport = transport

    def get(self, lab: str) -> Lab:
        """Return a lab."""
        body = self._transport.json("GET", _path(lab))
        return understood(lambda: Lab.from_json(body))

    def list(
        self,
        *,
        query: str = "",
        tag: str = "",
        owner: str = "",
        sort: str = "",
        cursor: str = "",
        limit: int = 0,
    ) -> LabPage:
        """Return labs that fit; go on with the page's `next` as `cursor`."""
        asked = {"q": query, "tag": tag, "owner": owner, "sort": sort, "cursor": cursor}
        params = {key: value for key, value in asked.items() if value}
        if limit:
            params["limit"] = str(limit)
        body = self._transport.json("GET", "labs", params=params)
        return understood(
            lambda: LabPage(tuple(map(Lab.from_json, body["items"])), body.get("next"))
        )

    def publish(self, draft: LabDraft, files: TarStream) -> Lab:
        """Make a new lab of `files`; its first revision is r1."""
        body = self._transport.json("POST", "labs", files=_parts("lab", draft.to_json(), files))
        return understood(lambda: Lab.from_json(body))

    def revise(
        self,
        lab: str,
        files: TarStream,
        *,
        base: int | None,
        message: str = "",
        synced: int | None = None,
    ) -> Revision:
        """Publish the next revision, made on top of r`base`.

        `synced` is the original's revision that is merged into the files (None: as before).

        Raises:
            StaleRevision: r`base` is not the newest any more.
        """
        said = {"base": base, "message": message} | ({"synced": synced} if synced else {})
        parts = _parts("revision", said, files)
        body = self._transport.json("POST", f"{_path(lab)}/revisions", files=parts)
        return understood(lambda: Revision.from_json(body))

    def change(self, lab: str, **fields: Any) -> Lab:
        """Change title, description, tags, visibility, licence, image or flavour."""
        body = self._transport.json("PATCH", _path(lab), json=fields)
        return understood(lambda: Lab.from_json(body))

    def delete(self, lab: str) -> None:
        """Move a lab to the trash, which keeps it for 30 days."""
        self._transport.json("DELETE", _path(lab))

    def fork(self, lab: str, *, name: str = "", owner: str = "") -> Lab:
        """Copy a lab to your labs or those of `@group`, or find the fork that is there."""
        said = {"name": name or None, "owner": owner or None}
        body = self._transport.create(f"{_path(lab)}/forks", said)
        return understood(lambda: Lab.from_json(body))

    def propose(self, lab: str, *, fork: str, title: str, text: str = "") -> int:
        """Offer the newest revision of `fork` to `lab`; return the proposal's number."""
        said = {"fork": fork, "title": title, "text": text}
        body = self._transport.create(f"{_path(lab)}/proposals", said)
        return understood(lambda: int(body["number"]))

    def revisions(self, lab: str) -> tuple[Revision, ...]:
        """Return all revisions of a lab, the newest first."""
        found: list[Revision] = []
        after: str | None = ""
        while after is not None:
            rows, after = self._some_revisions(lab, after)
            found += rows
        return tuple(found)

    def files(self, lab: str, revision: int | None = None) -> tuple[int, tuple[LabFile, ...]]:
        """Return a revision's number and its files (None: the newest)."""
        body = self._transport.json("GET", f"{_at(lab, revision)}/files")
        return understood(
            lambda: (
                int(body["revision"]),
                tuple(LabFile(row["path"], row["size"], row["sha256"]) for row in body["files"]),
            )
        )

    def read(
        self, lab: str, path: str, revision: int | None = None
    ) -> AbstractContextManager[BinaryIO]:
        """Read one file of a revision piece by piece (None: the newest)."""
        return self._transport.stream(f"{_at(lab, revision)}/files/{quote(path)}")

    def merge(
        self, lab: str, files: TarStream, *, source: str, base: int, synced: int | None = None
    ) -> AbstractContextManager[BinaryIO]:
        """Have `files`, made on top of r`base`, merged; nothing is stored.

        Args:
            lab: whose files they are.
            files: all of them.
            source: `newest` for the lab's newest revision, `original` for what it is a fork of.
            base: the revision that they were made on.
            synced: the original's revision that is in them; None: as in r`base`.

        Returns:
            A tar to read: `report.json` first, then below `files/` what is to be laid.
        """
        parts = _parts("merge", {"source": source, "base": base, "synced": synced}, files)
        return self._transport.stream(f"{_path(lab)}/merge", "POST", files=parts)

    def archive(self, lab: str, revision: int | None = None) -> AbstractContextManager[BinaryIO]:
        """Read all files of a revision as a tar, piece by piece (None: the newest)."""
        return self._transport.stream(f"{_at(lab, revision)}/archive")

    def _some_revisions(self, lab: str, after: str) -> tuple[tuple[Revision, ...], str | None]:
        params = {"limit": "100"} | ({"cursor": after} if after else {})
        body = self._transport.json("GET", f"{_path(lab)}/revisions", params=params)
        return understood(lambda: (tuple(map(Revision.from_json, body["items"])), body["next"]))


def split(lab: str) -> tuple[str, str]:
    """Return owner and name of `owner/name`.

    Raises:
        BadInput: it is not spelled so.
    """
    owner, slash, name = lab.partition("/")
    if not (owner and slash and name) or "/" in name or {owner, name} & {".", ".."}:
        raise BadInput(f"“{lab[:80]}” is not a lab. Write it as owner/name.")
    return owner, name


def _path(lab: str) -> str:
    owner, name = split(lab)
    return f"labs/{quote(owner, safe='')}/{quote(name, safe='')}"


def _at(lab: str, revision: int | None) -> str:
    return f"{_path(lab)}/revisions/{'latest' if revision is None else revision}"


def _parts(name: str, body: dict[str, Any], files: TarStream) -> dict[str, Any]:
    return {
        name: (None, json.dumps(body), "application/json"),
        "files": ("files.tar", files, "application/x-tar"),
    }
