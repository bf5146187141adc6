"""A site's addresses and files, derived from its settings: each is spelled once, here."""

from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from machinelabs_hub.scopes import LABS_SERVICE
from machinelabs_hub.settings import Settings

LABS_PREFIX = f"/services/{LABS_SERVICE}"

CHECKOUT = Path(__file__).resolve().parents[3]
"""The checkout that this code runs from: its `images/` and `config/` are the site's."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each part of a site listens and how people and containers reach it (no final /)."""

    settings: Settings

    @property
    def _scheme(self) -> str:
        return "https" if self.settings.site.https else "http"

    @property
    def _public_port(self) -> str:
        port = self.settings.site.public_port or self.settings.site.port
        return "" if port == {"http": 80, "https": 443}[self._scheme] else f":{port}"

    @property
    def hub_host(self) -> str:
        """Host and port of the hub's pages."""
        return f"{self.settings.site.host}{self._public_port}"

    @property
    def labs_host(self) -> str:
        """Host and port of the labs pages: an origin of their own unless single-origin."""
        if self.settings.site.single_origin:
            return self.hub_host
        return f"{LABS_SERVICE}--service.{self.hub_host}"

    @property
    def hub(self) -> str:
        """The site's front door, for people."""
        return f"{self._scheme}://{self.hub_host}"

    @property
    def labs(self) -> str:
        """The labs pages, for people: `…/services/labs`."""
        return f"{self._scheme}://{self.labs_host}{LABS_PREFIX}"

    @property
    def gateway(self) -> str:
        """The one address of this machine that containers reach."""
        return str(next(ip_network(self.settings.engine.subnet).hosts()))

    @property
    def proxy_api(self) -> str:
        """The public proxy's own API, on loopback."""
        return f"http://127.0.0.1:{self.settings.site.port + 1}"

    @property
    def hub_local(self) -> str:
        """The Hub process, on loopback."""
        return f"http://127.0.0.1:{self.settings.site.port + 2}"

    @property
    def labs_local(self) -> str:
        """The labs process, on loopback."""
        return f"http://127.0.0.1:{self.settings.site.port + 3}"

    @property
    def door(self) -> str:
        """The containers' door: serves `/hub/api` and `/services/labs/api`, nothing else."""
        return f"http://{self.gateway}:{self.settings.site.port + 4}"

    @property
    def door_api(self) -> str:
        """The door's own API, on loopback."""
        return f"http://127.0.0.1:{self.settings.site.port + 5}"

    @property
    def sampler_local(self) -> str:
        """The process that samples the GPUs, on loopback."""
        return f"http://127.0.0.1:{self.settings.site.port + 6}"


@dataclass(frozen=True, slots=True)
class Files:
    """Where a site keeps what persists, below `data`."""

    data: Path

    @property
    def secrets(self) -> Path:
        """One file a secret, readable by the owner alone."""
        return self.data / "secrets"

    @property
    def logs(self) -> Path:
        """One rotated log a process."""
        return self.data / "logs"

    @property
    def run(self) -> Path:
        """Process ids and the lock of the one `up` that runs."""
        return self.data / "run"

    @property
    def labs(self) -> Path:
        """Git stores, upload spool and render cache of the labs service."""
        return self.data / "labs"

    @property
    def runs(self) -> Path:
        """The log of each run, in a folder that its id names."""
        return self.data / "runs"

    @property
    def blobs(self) -> Path:
        """What runs put out, by its SHA-256."""
        return self.data / "blobs"

    @property
    def inputs(self) -> Path:
        """What was fetched for runs, by its SHA-256; all of it can be fetched anew."""
        return self.data / "inputs"

    @property
    def builds(self) -> Path:
        """Which build of each catalogue image this site uses (`images.json`)."""
        return self.data / "images.json"

    @property
    def site_id(self) -> Path:
        """What this site calls itself in its bucket. No backup has it: a copy is another site."""
        return self.data / "site-id"

    @property
    def hub_database(self) -> Path:
        """JupyterHub's own SQLite file."""
        return self.data / "jupyterhub.sqlite"

    @property
    def database(self) -> Path:
        """Labs' and accounts' SQLite file."""
        return self.data / "machinelabs.sqlite"

    def secret(self, name: str) -> str:
        """Return the secret called `name`; `machinelabs-hub up` made it."""
        return (self.secrets / name).read_text(encoding="utf-8").strip()


def database_url(settings: Settings) -> str:
    """Return the SQLAlchemy address of labs and accounts."""
    return settings.database.url or f"sqlite:///{Files(settings.data).database}"


def hub_database_url(settings: Settings) -> str:
    """Return the SQLAlchemy address of JupyterHub's own tables."""
    return settings.database.hub_url or f"sqlite:///{Files(settings.data).hub_database}"


def template_folders(settings: Settings) -> tuple[Path, ...]:
    """Return the folders of templates: ours, then the site's own."""
    ours = CHECKOUT / "config" / "content"
    return (ours, Path(settings.templates)) if settings.templates else (ours,)


def catalog_file(settings: Settings) -> Path:
    """Return the file of images and flavours."""
    return Path(settings.catalog) if settings.catalog else CHECKOUT / "images" / "catalog.yaml"
