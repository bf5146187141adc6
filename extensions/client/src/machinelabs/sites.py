"""Which site is spoken to, and as whom: what the person said, the environment, what is kept.

What is kept lies in the person's configuration folder, readable by them alone: sites by address,
each with a token, and the one that is taken when none is named. Inside a container of a site
nothing is kept: the server's own token is there.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from machinelabs.errors import BadInput, FolderFault, SignInNeeded
from machinelabs.links import write_whole
from machinelabs.paths import shown

LABS: Final = "/services/labs"
FILE: Final = "credentials.json"
OWNER_ONLY: Final = 0o077


class NoSite(SignInNeeded):
    """No site is known here."""

    default_code = "no_site"

    def __init__(self) -> None:
        super().__init__("No site is known here. Sign in with: ml login https://your.site")


@dataclass(frozen=True, slots=True)
class Access:
    """A site as it is spoken to.

    Attributes:
        url: the labs pages, as this machine reaches them.
        token: who asks; None reads what everybody may read.
        is_container: this is a container of the site, and the token is the server's own.
    """

    url: str
    token: str | None = None
    is_container: bool = False


def address(text: str) -> str:
    """Return the address of a site's labs: `hub.example.org` -> `https://…/services/labs`.

    Raises:
        BadInput: it is no address.
    """
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        name, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise BadInput(f"“{shown(text)}” is not an address of a site.") from error
    scheme = parts.scheme or ("http" if is_local(name) else "https")
    if scheme not in {"http", "https"} or not name or parts.username is not None:
        raise BadInput(f"“{shown(text)}” is not an address of a site. Write https://your.site")
    host = f"[{name}]" if ":" in name else name
    return f"{scheme}://{host}{port}{LABS}"


def is_local(host: str) -> bool:
    """Tell whether a host is this machine by its name."""
    return host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")


def folder(environ: Mapping[str, str]) -> Path:
    """Return the folder where the person's configuration of MachineLabs is kept."""
    if os.name == "nt" and environ.get("APPDATA"):
        return Path(environ["APPDATA"]) / "machinelabs"
    kept = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(kept).expanduser() / "machinelabs"


class Kept:
    """The sites that the person signed in to on this machine."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        body = self._read()
        self._tokens: dict[str, str] = body["sites"]
        self.default: str | None = body["default"]

    def token(self, url: str) -> str | None:
        """Return the token for a site, or None."""
        return self._tokens.get(url)

    @property
    def sites(self) -> tuple[str, ...]:
        """All sites, by address."""
        return tuple(sorted(self._tokens))

    def keep(self, url: str, token: str) -> None:
        """Keep a token; its site becomes the one that is taken when none is named."""
        self._tokens[url], self.default = token, url
        self._write()

    def forget(self, url: str) -> bool:
        """Forget a site's token; False: there was none."""
        known = self._tokens.pop(url, None) is not None
        if self.default == url:
            self.default = next(iter(self.sites), None)
        if known:
            self._write()
        return known

    def _read(self) -> dict[str, Any]:
        try:
            mode = self.file.stat().st_mode
            if os.name != "nt" and mode & OWNER_ONLY:
                self.file.chmod(0o600)
            body = json.loads(self.file.read_bytes())
            tokens = {str(url): str(token) for url, token in body["sites"].items()}
            default = body.get("default")
            return {"sites": tokens, "default": str(default) if default in tokens else None}
        except FileNotFoundError:
            return {"sites": {}, "default": None}
        except OSError as error:
            raise FolderFault(f"{self.file} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FolderFault(f"{self.file} is damaged. Remove it and sign in again.") from error

    def _write(self) -> None:
        body = {"default": self.default, "sites": self._tokens}
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The file is made anew, and so for its owner alone.
            write_whole(self.file, json.dumps(body, indent=1).encode())
        except OSError as error:
            raise FolderFault(f"{self.file} cannot be written: {error.strerror}.") from error


def choose(site: str | None, environ: Mapping[str, str], kept: Kept) -> Access:
    """Return the site to speak to.

    What the person names comes first, then `MACHINELABS_URL`, then the site whose container this
    is, then the site that they signed in to last. `MACHINELABS_TOKEN` goes to the site that
    `MACHINELABS_URL` names, or without that to the one that is chosen.

    Raises:
        NoSite: there is none.
    """
    named = environ.get("MACHINELABS_URL", "")
    given = environ.get("MACHINELABS_TOKEN") or None
    if site or named:
        url = address(site or named)
        is_given = given and (not named or address(named) == url)
        return Access(url, given if is_given else kept.token(url))
    door, own = environ.get("MACHINELABS_LABS_URL"), environ.get("JUPYTERHUB_API_TOKEN")
    if door and own:
        return Access(door.rstrip("/"), given or own, is_container=True)
    if kept.default is None:
        raise NoSite
    return Access(kept.default, given or kept.token(kept.default))
