"""Decide everything about a person's container before the engine hears of it. Pure functions."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from machinelabs_hub.catalog.model import Build, Catalog, Flavour
from machinelabs_hub.errors import Unavailable
from machinelabs_hub.names import PERSON
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import LABS_PREFIX, Addresses
from machinelabs_hub.spawn.cards import MPS_FOLDER, Cards, card_environment
from machinelabs_hub.spawn.options import Choice

USER: Final = "1000:1000"
HOME: Final = "/home/jovyan"
DATASETS: Final = f"{HOME}/datasets"
CA_FILE: Final = "/etc/machinelabs/ca.pem"
PORT: Final = 8888
_GIT_HELPER: Final = (
    '!f() { if [ "$1" = get ]; then '
    'echo username=server; echo "password=$JUPYTERHUB_API_TOKEN"; fi; }; f'
)
LOG_MIB: Final = 10
LOG_FILES: Final = 3

LABEL_SITE: Final = "machinelabs.site"
LABEL_USER: Final = "machinelabs.user"
LABEL_SERVER: Final = "machinelabs.server"
LABEL_IMAGE: Final = "machinelabs.image"
LABEL_FLAVOUR: Final = "machinelabs.flavour"
LABEL_CLAIM: Final = "machinelabs.claim"
LABEL_SHARE: Final = "machinelabs.share"


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume (by name) or a folder of the host (by path) inside the container."""

    source: str
    target: str
    is_volume: bool
    read_only: bool


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """One container, wholly decided: what the engine is asked for and nothing else."""

    name: str
    image_id: str
    image_tag: str
    command: tuple[str, ...]
    user: str
    memory_mib: int
    cpu: float
    pids: int
    nofile: int
    shm_mib: int
    network: str
    dns: tuple[str, ...]
    dns_options: tuple[str, ...]
    mounts: tuple[Mount, ...]
    labels: dict[str, str]
    environment: dict[str, str]
    devices: tuple[str, ...]
    """The uuids of the GPUs that it gets; without any it gets none, whatever anybody says."""
    shares_ipc: bool
    """Whether it shares the machine's memory segments, by which MPS talks to its clients."""
    has_init: bool = True
    """Whether the engine's own little program is its first process, which ends what is left."""
    stop_seconds: int = 10
    """How long it may take to stop by itself before it is killed."""


class ImageNotBuilt(Unavailable):
    """The catalogue lists the image, but this site has no build of it."""

    code = "image_not_built"


def make_plan(
    *,
    settings: Settings,
    catalog: Catalog,
    builds: dict[str, Build],
    choice: Choice,
    user: str,
    server: str,
    most_files: int,
    cards: Cards | None = None,
) -> ContainerPlan:
    """Return the plan of `user`'s server called `server` (empty: the default one).

    Args:
        settings: the site's.
        catalog: what the site offers.
        builds: the site's builds, by image name.
        choice: the image and the flavour.
        user: whose server it is.
        server: its name; empty for the default one.
        most_files: the highest limit of open files that this machine may grant.
        cards: the GPUs that were granted to it; None: none.

    Raises:
        ImageNotBuilt: there is no build of the chosen image.
    """
    image = catalog.image(choice.image)
    flavour = catalog.flavour(choice.flavour)
    build = builds.get(image.name)
    if build is None:
        raise image_not_built(image.title, image.name)
    by_mps = cards is not None and cards.are_shared_by_mps(mps=settings.gpus.mps)
    return ContainerPlan(
        name=container_name(settings.engine.prefix, user, server),
        image_id=build.id,
        image_tag=build.tag,
        command=("jupyterhub-singleuser",),
        user=USER,
        memory_mib=flavour.memory_mib,
        cpu=flavour.cpu,
        pids=flavour.pids,
        nofile=min(flavour.nofile, most_files),
        shm_mib=flavour.shm_mib,
        network=settings.engine.network,
        dns=() if settings.engine.internet else (Addresses(settings).gateway,),
        # Nobody answers there; a program that asks for a name is not to wait for long.
        dns_options=() if settings.engine.internet else ("timeout:1", "attempts:1"),
        mounts=(*_mounts(settings, user), *(_mps_mounts() if by_mps else ())),
        labels={
            LABEL_SITE: settings.engine.prefix,
            LABEL_USER: user,
            LABEL_SERVER: server,
            LABEL_IMAGE: image.name,
            LABEL_FLAVOUR: flavour.name,
        }
        | _claim_labels(cards),
        environment=_environment(settings, choice)
        | _sizes(flavour)
        | card_environment(cards, mps=settings.gpus.mps)
        | {"JUPYTER_IMAGE_SPEC": build.tag},
        devices=cards.uuids if cards else (),
        shares_ipc=by_mps,
    )


def image_not_built(title: str, name: str) -> ImageNotBuilt:
    """Return the error that says that this site lacks the image and who can change it."""
    return ImageNotBuilt(
        f"The image “{title}” is not on this machine yet. Choose another, or ask the people who "
        f"run this site to build it (make image/{name})."
    )


def container_name(prefix: str, user: str, server: str) -> str:
    """Return the one name that the container of this server has, start after start."""
    name = f"{prefix}-{safe_name(user)}"
    return f"{name}--{safe_name(server)}" if server else name


def home_volume(prefix: str, user: str) -> str:
    """Return the name of the volume that is the person's home in all their servers."""
    return f"{prefix}-home-{safe_name(user)}"


def safe_name(name: str) -> str:
    """Return `name` where it may stand in a container's name, else a readable, unique stand-in.

    A stand-in holds `---`, which no name of ours does, so that two people never share one.
    """
    if PERSON.fullmatch(name) and "--" not in name:
        return name
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:20].strip("-")
    return f"{readable or 'x'}---{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _mounts(settings: Settings, user: str) -> tuple[Mount, ...]:
    home = Mount(
        source=home_volume(settings.engine.prefix, user),
        target=HOME,
        is_volume=True,
        read_only=False,
    )
    mounts = [home]
    if settings.engine.datasets:
        folder = settings.data / settings.engine.datasets
        mounts.append(_folder(folder, DATASETS))
    if settings.engine.ca_file:
        mounts.append(_folder(settings.data / settings.engine.ca_file, CA_FILE))
    return tuple(mounts)


def _mps_mounts() -> tuple[Mount, ...]:
    return (Mount(source=MPS_FOLDER, target=MPS_FOLDER, is_volume=False, read_only=False),)


def _claim_labels(cards: Cards | None) -> dict[str, str]:
    return {LABEL_CLAIM: cards.claim, LABEL_SHARE: str(cards.share)} if cards else {}


def _folder(path: Path, target: str) -> Mount:
    return Mount(source=str(path.resolve()), target=target, is_volume=False, read_only=True)


def _environment(settings: Settings, choice: Choice) -> dict[str, str]:
    addresses = Addresses(settings)
    found = {
        "HOME": HOME,
        "MACHINELABS_LABS_URL": f"{addresses.door}{LABS_PREFIX}",
        "MACHINELABS_PUBLIC_URL": addresses.labs,
        "MACHINELABS_HUB_PUBLIC_URL": addresses.hub,
        "MACHINELABS_IMAGE": choice.image,
        "MACHINELABS_FLAVOUR": choice.flavour,
        "MACHINELABS_IDLE_MINUTES": str(settings.servers.idle_minutes),
        "MACHINELABS_IDLE_WARNING_MINUTES": str(settings.servers.idle_warning_minutes),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    } | _git_environment(addresses)
    if settings.engine.http_proxy:
        found |= _proxy_environment(settings.engine.http_proxy, addresses.gateway)
    if settings.engine.ca_file:
        found |= dict.fromkeys(
            ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT",
             "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"),
            CA_FILE,
        )  # fmt: skip
    if settings.engine.pip_index_url:
        found |= _index_environment(settings.engine.pip_index_url)
    return found


def _git_environment(addresses: Addresses) -> dict[str, str]:
    """Let git take the addresses that lab pages show, and sign it in with the server's token."""
    said = (
        (f"url.{addresses.door}{LABS_PREFIX}/api/git/.insteadOf", f"{addresses.labs}/"),
        (f"credential.{addresses.door}.helper", _GIT_HELPER),
    )
    found = {"GIT_CONFIG_COUNT": str(len(said))}
    for number, (key, value) in enumerate(said):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def _index_environment(url: str) -> dict[str, str]:
    found = {"PIP_INDEX_URL": url}
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname:
        # pip passes an index without TLS over unless its host is named; the operator named it.
        found["PIP_TRUSTED_HOST"] = parts.hostname
    return found


def _sizes(flavour: Flavour) -> dict[str, str]:
    # Libraries count the machine's cores, not the container's share of them.
    return {
        "MEM_LIMIT": str(flavour.memory_mib * 2**20),
        "CPU_LIMIT": f"{flavour.cpu:g}",
        "OMP_NUM_THREADS": str(max(1, round(flavour.cpu))),
    }


def _proxy_environment(proxy: str, gateway: str) -> dict[str, str]:
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    direct = f"localhost,127.0.0.1,{gateway}"
    return dict.fromkeys(names, proxy) | {"no_proxy": direct, "NO_PROXY": direct}
