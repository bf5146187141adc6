"""Every knob of a site, in one file: what it means, its unit, its zero case.

A site's file is `DATA/settings.yaml`; `config/single/settings.yaml` is an annotated example.
Nothing else in MachineLabs reads the environment.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from machinelabs_hub.errors import SettingsError

SETTINGS_VARIABLE: Final = "MACHINELABS_SETTINGS"
"""Environment variable that names the settings file for the Hub's and the labs' processes."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AuthKind(StrEnum):
    """How people prove who they are."""

    LOCAL = "local"
    WORKSHOP = "workshop"
    OIDC = "oidc"
    GITHUB = "github"
    GITLAB = "gitlab"
    GOOGLE = "google"


class Site(_Section):
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
            description="The five ports above it are used too: proxy API, hub, labs, the "
            "containers' door and its API.",
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


class OAuth(_Section):
    """An identity provider, for every `auth.kind` but local and workshop."""

    client_id: Annotated[str, Field(title="Client id at the provider")] = ""
    client_secret: Annotated[
        str,
        Field(
            title="Client secret at the provider",
            description="Or leave it empty and put it into DATA/secrets/oauth_client_secret.",
        ),
    ] = ""
    issuer: Annotated[
        str,
        Field(
            title="Address of the OpenID Connect issuer",
            description="For oidc, e.g. https://id.example.org/realms/lab; "
            "for gitlab, the server's address. Its endpoints are discovered from it.",
        ),
    ] = ""
    provider_name: Annotated[str, Field(title="What the sign-in button calls it")] = ""
    scopes: Annotated[
        list[str], Field(title="Scopes asked for", description="Empty takes the kind's own.")
    ] = []
    username_claim: Annotated[str, Field(title="Claim that holds the user name (oidc)")] = (
        "preferred_username"
    )
    groups_claim: Annotated[
        str,
        Field(title="Claim that holds the groups (oidc)", description="Empty: no groups."),
    ] = "groups"
    allow_all: Annotated[bool, Field(title="Let in everybody whom the provider knows")] = False
    allowed_users: Annotated[list[str], Field(title="People who are let in")] = []
    allowed_groups: Annotated[
        list[str],
        Field(
            title="Groups that are let in",
            description="oidc: values of the groups claim; github: organisations; "
            "gitlab: group paths; google: hosted domains.",
        ),
    ] = []
    admin_groups: Annotated[list[str], Field(title="Groups whose members are admins")] = []


class Local(_Section):
    """Accounts of the site's own (`auth.kind: local`)."""

    open_signup: Annotated[
        bool,
        Field(
            title="Anybody may make an account",
            description="False: only who holds an invitation link.",
        ),
    ] = False
    min_password_length: Annotated[int, Field(ge=8, le=128, title="Shortest password")] = 10
    failures: Annotated[
        int,
        Field(
            ge=1,
            title="Failed sign-ins before a pause",
            description="Counted for one name from one address, and ten times this for one "
            "address, within `failure_minutes`.",
        ),
    ] = 5
    failure_minutes: Annotated[int, Field(ge=1, title="Length of that window and pause")] = 15
    invitation_days: Annotated[int, Field(ge=1, title="Days an invitation link holds")] = 7


class Auth(_Section):
    """Who may sign in."""

    kind: Annotated[
        AuthKind,
        Field(
            title="How people sign in",
            description="local: accounts of our own. workshop: one shared password; anyone who "
            "knows it may sign in as anyone. oidc, github, gitlab, google: an identity provider.",
        ),
    ] = AuthKind.LOCAL
    admins: Annotated[list[str], Field(title="People who are admins, besides the first")] = []
    local: Local = Local()
    oauth: OAuth = OAuth()
    workshop_password: Annotated[
        str,
        Field(
            title="The shared password (workshop)",
            description="At least 8 characters. Admins use the first admin's generated password.",
        ),
    ] = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind is AuthKind.WORKSHOP and len(self.workshop_password) < 8:
            raise ValueError("auth.workshop_password needs at least 8 characters")
        if self.kind in {AuthKind.OIDC, AuthKind.GITLAB} and not self.oauth.issuer:
            raise ValueError(f"auth.oauth.issuer is needed for auth.kind: {self.kind}")
        if self.kind not in {AuthKind.LOCAL, AuthKind.WORKSHOP} and not self.oauth.client_id:
            raise ValueError(f"auth.oauth.client_id is needed for auth.kind: {self.kind}")
        return self


class Engine(_Section):
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
        list[str],
        Field(
            title="Networks that containers may not reach",
            description="Link-local metadata addresses are always blocked. The site's own "
            "private networks stand here by default; list only what you open as `allowed_subnets`.",
        ),
    ] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
    allowed_subnets: Annotated[
        list[str],
        Field(
            title="Exceptions to `blocked_subnets`",
            description="e.g. a package mirror. They hold with `internet: false` too.",
        ),
    ] = []
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


class Servers(_Section):
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


class Limits(_Section):
    """What people may store and how fast they may ask."""

    file_mib: Annotated[int, Field(ge=1, title="Largest file of a lab, MiB")] = 512
    notebook_mib: Annotated[int, Field(ge=1, title="Largest notebook of a lab, MiB")] = 50
    lab_mib: Annotated[int, Field(ge=1, title="Largest revision of a lab, MiB")] = 1024
    lab_files: Annotated[int, Field(ge=1, title="Most files in a lab")] = 5000
    labs_per_person: Annotated[int, Field(ge=1, title="Most labs of a person")] = 1000
    publishes_per_hour: Annotated[int, Field(ge=1, title="Most publishes of a person, an hour")] = (
        120
    )
    requests_per_minute: Annotated[
        int,
        Field(ge=1, title="Most requests a minute from one address that is not signed in"),
    ] = 600


class Database(_Section):
    """Where labs, accounts and the Hub's state are kept."""

    url: Annotated[
        str,
        Field(
            title="Database of labs and accounts",
            description="SQLAlchemy address, e.g. postgresql+psycopg://user@host/machinelabs. "
            "Empty: SQLite in DATA.",
        ),
    ] = ""
    hub_url: Annotated[
        str, Field(title="Database of JupyterHub", description="Empty: SQLite in DATA.")
    ] = ""


class Logs(_Section):
    """The log files in DATA/logs."""

    level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$", title="Least level")] = (
        "INFO"
    )
    file_mib: Annotated[int, Field(ge=1, title="Size at which a log is rotated, MiB")] = 20
    files: Annotated[int, Field(ge=1, title="Rotated logs kept, each part")] = 5


class Settings(_Section):
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
    site: Site = Site()
    auth: Auth = Auth()
    engine: Engine = Engine()
    servers: Servers = Servers()
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
    return parse(_read(path), path=path)


def parse(text: str, *, path: Path) -> Settings:
    """Check the YAML `text` of the settings file at `path`; its folder anchors `data`.

    Raises:
        SettingsError: names the file, the line and the key.
    """
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text) or {}
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"{path}, line {line}: not YAML: {error.problem}.") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}, line 1: settings are `key: value` lines.")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(describe(error, tree, path)) from error
    found: dict[str, Any] = {"data": (path.parent / settings.data).resolve()}
    if settings.catalog:
        found["catalog"] = str((path.parent / settings.catalog).resolve())
    return settings.model_copy(update=found)


def describe(error: ValidationError, tree: yaml.Node | None, path: Path) -> str:
    """Return one line a fault: file, line, key and what is wrong with it."""
    return "\n".join(
        f"{path}, line {line_of(tree, fault['loc'])}: "
        f"`{'.'.join(str(part) for part in fault['loc']) or 'settings'}`: {_reason(fault)}"
        for fault in error.errors()
    )


def _reason(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "there is no such key."
    return f"{fault['msg'].removeprefix('Value error, ')} (it is {str(fault['input'])[:60]!r})."


def line_of(tree: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """Return the 1-based line of the deepest node that `loc` reaches in a composed YAML tree."""
    line = 1
    for part in loc:
        found = _child(tree, part)
        if found is None:
            break
        key, tree = found
        line = key.start_mark.line + 1
    return line


def _child(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if k.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"There is no settings file at {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}.") from error
