"""Every knob of a site, in one file: what it means, its unit, its zero case.

A site's file is `DATA/settings.yaml`; `config/single/settings.yaml` is an annotated example.
Nothing else in MachineLabs reads the environment.
"""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, field_validator

from machinelabs_hub.auth_settings import Auth, AuthKind, Local, OAuth
from machinelabs_hub.data_settings import Blobs, Database, Datasets
from machinelabs_hub.errors import SettingsError
from machinelabs_hub.gpu_settings import Gpus, Plans
from machinelabs_hub.run_settings import Runs
from machinelabs_hub.yamlfile import Section, YamlFile, parse_yaml, read_yaml

__all__ = [
    "Auth",
    "AuthKind",
    "Blobs",
    "Database",
    "Datasets",
    "Engine",
    "Gpus",
    "Limits",
    "Local",
    "Logs",
    "OAuth",
    "Plans",
    "Runs",
    "Servers",
    "Settings",
    "Site",
    "load",
    "parse",
]

SETTINGS_VARIABLE: Final = "MACHINELABS_SETTINGS"
"""Environment variable that names the settings file for the Hub's and the labs' processes."""


class Site(Section):
    """Where the site lives and what it is called."""

    title: Annotated[str, Field(title="Name of the site", min_length=1, max_length=60)] = (
        "MachineLabs"
    )
    host: Annotated[
        str,
        Field(
            title="Public host name",
            description="Each person's server gets a subdomain of it. Browsers resolve "
            "*.localhost by themselves; any other name needs a wildcard DNS record.",
        ),
    ] = "hub.localhost"
    port: Annotated[
        int,
        Field(
            ge=1024,
            le=65000,
            title="Public port",
            description="The six ports above it are used too: proxy API, hub, labs, the "
            "containers' door, its API, and the sampler of GPUs.",
        ),
    ] = 8000
    bind: Annotated[
        str,
        Field(
            title="Address to listen on",
            description="127.0.0.1 serves this machine alone; 0.0.0.0 serves the network.",
        ),
    ] = "127.0.0.1"
    https: Annotated[
        bool,
        Field(
            title="People reach the site over https",
            description="True when a reverse proxy in front ends TLS. It only changes the "
            "addresses that are shown and makes cookies secure.",
        ),
    ] = False
    public_port: Annotated[
        int,
        Field(
            ge=0,
            le=65535,
            title="Port people see",
            description="Behind a reverse proxy, e.g. 443. 0 is the same as `port`.",
        ),
    ] = 0
    trusted_proxies: Annotated[
        tuple[str, ...],
        Field(
            title="Addresses of reverse proxies in front",
            description="Addresses or networks whose `X-Forwarded-For` is believed: failed "
            "sign-ins and limits count for the visitor, not for the proxy. The default is a proxy "
            "on this machine.",
        ),
    ] = ("127.0.0.1", "::1")
    single_origin: Annotated[
        bool,
        Field(
            title="Serve everybody from one origin",
            description="Not safe among people who do not trust each other: a notebook of one "
            "person can then act as another who opens it. Only where subdomains cannot be had.",
        ),
    ] = False
    admin: Annotated[
        str,
        Field(title="Name of the first admin", description="Made at the first start."),
    ] = "admin"
    docs_url: Annotated[
        str,
        Field(
            pattern=r"^(https?://\S+)?$",
            title="Address of the manual",
            description="Linked as Docs at the top of every page, e.g. where you serve what "
            "`make docs` builds. Empty: no link.",
        ),
    ] = ""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError(f"“{proxy}” is neither an address nor a network") from None
        return proxies


class Engine(Section):
    """The container engine and what containers may reach."""

    socket: Annotated[str, Field(title="Address of the Docker engine")] = (
        "unix:///var/run/docker.sock"
    )
    prefix: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9]{0,15}$",
            title="Prefix of containers, volumes and labels",
            description="Two sites on one engine need two prefixes.",
        ),
    ] = "ml"
    network: Annotated[
        str,
        Field(pattern=r"^[a-z][a-z0-9-]{0,11}$", title="Name of the containers' network"),
    ] = "machinelabs"
    subnet: Annotated[
        str, Field(title="Subnet of that network", description="Its first address is the door's.")
    ] = "172.30.7.0/24"
    mtu: Annotated[int, Field(ge=576, le=9000, title="MTU of that network, bytes")] = 1400
    internet: Annotated[
        bool,
        Field(title="Containers may reach the internet", description="False: hub and labs only."),
    ] = True
    blocked_subnets: Annotated[
        tuple[str, ...],
        Field(
            title="Networks that containers may not reach",
            description="Link-local metadata addresses are always blocked. The site's own "
            "private networks stand here by default; list only what you open as `allowed_subnets`.",
        ),
    ] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
    allowed_subnets: Annotated[
        tuple[str, ...],
        Field(
            title="Exceptions to `blocked_subnets`",
            description="e.g. a package mirror. They hold with `internet: false` too.",
        ),
    ] = ()
    http_proxy: Annotated[
        str, Field(title="Proxy that containers use for the internet", description="Empty: none.")
    ] = ""
    ca_file: Annotated[
        str,
        Field(
            title="CA certificates that containers trust",
            description="A PEM file of this machine, mounted read-only. Empty: the image's own.",
        ),
    ] = ""
    pip_index_url: Annotated[
        str, Field(title="Package index for pip in containers", description="Empty: pip's own.")
    ] = ""
    datasets: Annotated[
        str,
        Field(
            title="Folder of read-only datasets",
            description="Seen as ~/datasets in every container. Relative to DATA.",
        ),
    ] = "datasets"
    parallel_calls: Annotated[int, Field(ge=2, le=64, title="Engine calls under way at once")] = 16
    parallel_starts: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            title="Servers starting at once",
            description="Later ones wait for a turn, first come first served.",
        ),
    ] = 8
    start_timeout: Annotated[int, Field(ge=10, title="Seconds a container may take to start")] = 120
    registry: Annotated[
        str,
        Field(
            pattern=r"^([a-z0-9][a-z0-9.:/_-]*[a-z0-9])?$",
            title="Registry that has the site's builds",
            description="Where a start fetches a build that the engine lacks, e.g. "
            "registry.example.org/team. Empty: none; builds are made on this machine.",
        ),
    ] = ""


class Servers(Section):
    """People's notebook servers."""

    default_image: Annotated[str, Field(title="Image chosen at first")] = "datascience"
    default_flavour: Annotated[str, Field(title="Flavour chosen at first")] = "cpu-small"
    named_limit: Annotated[
        int,
        Field(ge=0, title="Named servers a person may hold", description="Stopped ones count."),
    ] = 10
    idle_minutes: Annotated[
        int,
        Field(
            ge=0,
            title="Minutes before an idle server stops",
            description="Idle: no kernel, terminal or transfer was busy and nobody used it. "
            "0 is never.",
        ),
    ] = 60
    idle_warning_minutes: Annotated[
        int, Field(ge=0, title="Minutes before that when JupyterLab warns")
    ] = 5


class Limits(Section):
    """What people may store and how fast they may ask."""

    file_mib: Annotated[int, Field(ge=1, title="Largest file of a lab, MiB")] = 512
    notebook_mib: Annotated[
        int,
        Field(
            ge=1,
            title="Largest notebook of a lab, MiB",
            description="Pages show notebooks of up to 50 MiB, and offer larger ones for download.",
        ),
    ] = 50
    lab_mib: Annotated[int, Field(ge=1, title="Largest revision of a lab, MiB")] = 1024
    lab_files: Annotated[int, Field(ge=1, title="Most files in a lab")] = 5000
    labs_per_person: Annotated[int, Field(ge=1, title="Most labs of a person")] = 1000
    publishes_per_hour: Annotated[int, Field(ge=1, title="Most publishes of a person, an hour")] = (
        120
    )
    searches_per_minute: Annotated[
        int,
        Field(
            ge=1,
            title="Most searches of a person, a minute",
            description="Searching while one types counts, too.",
        ),
    ] = 240
    requests_per_minute: Annotated[
        int,
        Field(ge=1, title="Most requests a minute from one address that is not signed in"),
    ] = 600
    git_at_once: Annotated[
        int,
        Field(
            ge=2,
            le=64,
            title="Git clients served at once",
            description="One person gets at most half of them; who comes later waits for a turn.",
        ),
    ] = 8
    program_days: Annotated[
        int,
        Field(
            ge=1,
            title="Days until a program must sign in again",
            description="Programs sign in with `ml login`; people revoke one on the hub's token "
            "page at any time.",
        ),
    ] = 90
    trash_days: Annotated[int, Field(ge=1, title="Days that a deleted lab can be restored")] = 30


class Logs(Section):
    """The log files in DATA/logs."""

    level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$", title="Least level")] = (
        "INFO"
    )
    file_mib: Annotated[int, Field(ge=1, title="Size at which a log is rotated, MiB")] = 20
    files: Annotated[int, Field(ge=1, title="Rotated logs kept, each part")] = 5


class Settings(Section):
    """A site's settings, checked. `data` is where everything that persists lives."""

    data: Annotated[
        Path,
        Field(
            title="Folder of all that persists",
            description="Set by DATA= of `make run`; relative to the settings file.",
        ),
    ] = Path()
    catalog: Annotated[
        str,
        Field(
            title="File of images and flavours",
            description="Relative to the settings file. Empty: images/catalog.yaml of the "
            "checkout.",
        ),
    ] = ""
    templates: Annotated[
        str,
        Field(
            title="Folder of templates of your own",
            description="Each folder in it is a lab to begin with, beside those of "
            "`config/content`; one of the same name takes its place. Relative to the settings "
            "file. Empty: none.",
        ),
    ] = ""
    site: Site = Site()
    auth: Auth = Auth()
    engine: Engine = Engine()
    servers: Servers = Servers()
    gpus: Gpus = Gpus()
    plans: Plans = Plans()
    runs: Runs = Runs()
    blobs: Blobs = Blobs()
    datasets: Datasets = Datasets()
    limits: Limits = Limits()
    database: Database = Database()
    logs: Logs = Logs()


def load(path: Path | None = None) -> Settings:
    """Read the settings file.

    Args:
        path: the file; None takes what `MACHINELABS_SETTINGS` names.

    Raises:
        SettingsError: names the file, the line and the key.
    """
    if path is None:
        named = os.environ.get(SETTINGS_VARIABLE)
        if not named:
            raise SettingsError(f"Set {SETTINGS_VARIABLE} to the site's settings file.")
        path = Path(named)
    return _checked(read_yaml(path))


def parse(text: str, *, path: Path) -> Settings:
    """Check the YAML `text` of the settings file at `path`; its folder anchors `data`.

    Raises:
        SettingsError: names the file, the line and the key.
    """
    return _checked(parse_yaml(text, path=path))


def _checked(file: YamlFile) -> Settings:
    try:
        settings = Settings.model_validate(file.values)
    except ValidationError as error:
        raise file.describe(error) from error
    folder = file.path.parent
    found: dict[str, Any] = {"data": (folder / settings.data).resolve()}
    if settings.catalog:
        found["catalog"] = str((folder / settings.catalog).resolve())
    if settings.templates:
        found["templates"] = str((folder / settings.templates).resolve())
    return settings.model_copy(update=found)
