"""What every order of `ml` works with: the site, the folder, where to write."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from machinelabs import links, sites
from machinelabs.cli.output import Output
from machinelabs.errors import BadInput, FolderFault
from machinelabs.fingerprints import Fingerprints
from machinelabs.hub import Hub, split
from machinelabs.links import Link
from machinelabs.models import Lab
from machinelabs.paths import shown
from machinelabs.sites import Access, Kept

_REVISION: Final = re.compile(r"@r([1-9][0-9]{0,8})$")


@dataclass
class Session:
    """One run of `ml`."""

    out: Output
    site: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    prints: Fingerprints = field(default_factory=Fingerprints)
    _hub: Hub | None = None

    @property
    def kept(self) -> Kept:
        """The sites that the person signed in to."""
        return Kept(sites.folder(self.environ))

    @property
    def access(self) -> Access:
        """The site to speak to, and as whom."""
        return sites.choose(self.site, self.environ, self.kept)

    def started_with(self, what: str) -> str | None:
        """Return what this container was started with, if it is one of the site spoken to."""
        return self.environ.get(what) or None if self.access.is_container else None

    @property
    def hub(self) -> Hub:
        """The site."""
        if self._hub is None:
            access = self.access
            # A proxy for the internet is never on the way to the containers' own door.
            self._hub = Hub(access.url, access.token, trust_env=not access.is_container)
        return self._hub

    def close(self) -> None:
        """Close the connections."""
        if self._hub is not None:
            self._hub.close()

    def link(self) -> Link | None:
        """Return the lab that this folder, or one around it, is."""
        here = Path.cwd()
        return links.find(here, top=Path(here.anchor))

    def need_link(self) -> Link:
        """Return the lab that this folder is.

        Raises:
            FolderFault: it is none.
        """
        link = self.link()
        if link is None:
            raise FolderFault(
                f"“{shown(Path.cwd().name)}” is not a lab's folder. Publish it with ml push, or "
                "get a lab with ml pull OWNER/LAB."
            )
        return link


def read_lab(text: str) -> tuple[str, int | None]:
    """Return `owner/name` and the revision of `owner/name@r3`, also of a lab's page's address.

    Raises:
        BadInput: it is no lab.
    """
    if "://" in text:
        path = unquote(urlsplit(text).path).strip("/").removeprefix("services/labs/")
        owner, _, rest = path.partition("/")
        name, _, more = rest.partition("/")
        text = f"{owner}/{name}{more if _REVISION.fullmatch(more) else ''}"
    found = _REVISION.search(text)
    lab = text[: found.start()] if found else text
    if "@" in lab[1:]:
        raise BadInput(f"“{shown(text)}” is not a lab. Write OWNER/LAB, or OWNER/LAB@r3.")
    split(lab)
    return lab, int(found[1]) if found else None


def read_target(to: str, name: str) -> tuple[str, str]:
    """Return whose a new lab is to be, and its name, of `OWNER` or `OWNER/NAME` and `--name`.

    Raises:
        BadInput: the name is said twice, or it is no owner.
    """
    owner, slash, named = to.partition("/")
    if not slash:
        return owner, name
    if name and name != named:
        raise BadInput(f"The name is said twice: “{shown(named)}” with --to, and with --name.")
    split(to)
    return owner, named


def lab_json(lab: Lab) -> dict[str, object]:
    """Return what programs are told of a lab."""
    return {
        "lab": lab.full_name,
        "title": lab.title,
        "description": lab.description,
        "tags": list(lab.tags),
        "visibility": lab.visibility,
        "licence": lab.licence,
        "image": lab.image,
        "revision": lab.revision,
        "forks": lab.forks,
        "updated_at": lab.updated_at.isoformat(),
        "url": lab.url,
    }
