"""The processes of a site: what each is started with, and how it shows that it is ready."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from machinelabs_hub.errors import SetupError
from machinelabs_hub.gpu.nvml import is_installed
from machinelabs_hub.gpu_settings import GpuSource
from machinelabs_hub.settings import SETTINGS_VARIABLE, Settings
from machinelabs_hub.sites import CHECKOUT, LABS_PREFIX, Addresses, Files
from machinelabs_hub.up import away
from machinelabs_hub.up.layout import SETTINGS

PROXY: Final = "configurable-http-proxy"
TOOLS: Final = CHECKOUT / ".tools" / "node_modules" / ".bin"
NODE: Final = CHECKOUT / ".tools" / "node" / "bin"
"""The Node that `make setup` brought where the machine has none that is new enough."""

HUB_CONFIG: Final = CHECKOUT / "config" / "single" / "jupyterhub_config.py"
PATIENCE_SECONDS: Final = 60


class ProxyMissing(SetupError):
    """The proxy program is not installed."""

    code = "proxy_missing"


class GpuLibraryMissing(SetupError):
    """The settings want NVIDIA's library, and this machine has none."""

    code = "gpu_library_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of a site.

    `ready` is an address that answers once the process serves; none: it has no listener.
    """

    name: str
    title: str
    command: tuple[str, ...]
    ready: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def parts_of(settings: Settings) -> list[Part]:
    """Return the site's processes in the order in which they are started, but for the door."""
    parts = [proxy(settings), labs(settings), hub(settings)]
    if settings.servers.idle_minutes:
        parts.append(culler(settings))
    if samples_gpus(settings):
        parts.append(sampler(settings))
    return parts


def samples_gpus(settings: Settings) -> bool:
    """Return whether this machine's cards are asked: if NVIDIA's library is here, or is to be."""
    source = settings.gpus.source
    return source is GpuSource.NVML or (source is GpuSource.AUTO and is_installed())


def check_gpus(settings: Settings) -> None:
    """Return if what `gpus.source` names is there.

    Raises:
        GpuLibraryMissing: it is not.
    """
    if settings.gpus.source is GpuSource.NVML and not is_installed():
        raise GpuLibraryMissing(
            "`gpus.source` is nvml, and this machine has no NVIDIA library (libnvidia-ml.so.1). "
            "Install NVIDIA's driver, or set it to auto, static or off."
        )


def proxy(settings: Settings) -> Part:
    """The public proxy. Until the hub has routes, everything leads to the hub."""
    addresses, port = Addresses(settings), settings.site.port
    command = [proxy_program(), "--ip", settings.site.bind, "--port", str(port)]
    command += ["--api-ip", "127.0.0.1", "--api-port", str(port + 1)]
    command += ["--default-target", addresses.hub_local]
    command += ["--error-path", str(away.folder_of(settings))]
    command += ["--log-level", "warn"]
    if not settings.site.single_origin:
        command.append("--host-routing")
    token = Files(settings.data).secret("proxy_token")
    return Part(
        name="proxy",
        title="Proxy",
        command=tuple(command),
        ready=f"{addresses.proxy_api}/api/routes",
        headers={"Authorization": f"token {token}"},
        environment={"CONFIGPROXY_AUTH_TOKEN": token},
    )


def door(settings: Settings) -> Part:
    """The proxy that containers reach: it knows two routes, and those are added to it."""
    addresses, port = Addresses(settings), settings.site.port
    command = [proxy_program(), "--ip", addresses.gateway, "--port", str(port + 4)]
    command += ["--api-ip", "127.0.0.1", "--api-port", str(port + 5), "--log-level", "warn"]
    token = Files(settings.data).secret("door_token")
    return Part(
        name="door",
        title="Door for containers",
        command=tuple(command),
        ready=f"{addresses.door_api}/api/routes",
        headers={"Authorization": f"token {token}"},
        environment={"CONFIGPROXY_AUTH_TOKEN": token},
    )


def door_routes(settings: Settings) -> dict[str, str]:
    """Return where the door's two routes lead; it answers 404 to everything else."""
    addresses = Addresses(settings)
    return {"/hub/api": addresses.hub_local, f"{LABS_PREFIX}/api": addresses.labs_local}


def hub(settings: Settings) -> Part:
    """JupyterHub."""
    return Part(
        name="hub",
        title="Hub",
        command=(sys.executable, "-m", "machinelabs_hub.hub_process", "-f", str(HUB_CONFIG)),
        ready=f"{Addresses(settings).hub_local}/hub/health",
    )


def labs(settings: Settings) -> Part:
    """The labs service."""
    return Part(
        name="labs",
        title="Labs service",
        command=(sys.executable, "-m", "machinelabs_hub.labs"),
        ready=f"{Addresses(settings).labs_local}{LABS_PREFIX}/health",
    )


def culler(settings: Settings) -> Part:
    """The idle culler: it stops servers that nobody used for a while."""
    seconds = settings.servers.idle_minutes * 60
    return Part(
        name="culler",
        title="Idle culler",
        command=(
            sys.executable,
            "-m",
            "jupyterhub_idle_culler",
            f"--timeout={seconds}",
            f"--cull-every={min(60, max(10, seconds // 10))}",
            f"--url={Addresses(settings).hub_local}/hub/api",
        ),
        environment={"JUPYTERHUB_API_TOKEN": Files(settings.data).secret("culler_api_token")},
    )


def sampler(settings: Settings) -> Part:
    """The process that samples the machine's GPUs."""
    token = Files(settings.data).secret("sampler_token")
    return Part(
        name="sampler",
        title="GPU sampler",
        command=(sys.executable, "-m", "machinelabs_hub.gpu.sampler"),
        ready=f"{Addresses(settings).sampler_local}/sample",
        headers={"Authorization": f"Bearer {token}"},
    )


def environment_of(part: Part, settings: Settings) -> dict[str, str]:
    """Return the environment of a process: ours, less what would lead it to another site."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTERHUB_", "CONFIGPROXY_", "DOCKER_"))
        # Without compiled code a start takes three times as long.
        and name != "PYTHONDONTWRITEBYTECODE"
    }
    own = {
        SETTINGS_VARIABLE: str(settings.data / SETTINGS),
        "PATH": _path(),
        "PYTHONUNBUFFERED": "1",
        "NODE_NO_WARNINGS": "1",
        # Our own parts are on this machine: no proxy of the site's stands between them.
        "no_proxy": _no_proxy(inherited, settings),
    }
    own["NO_PROXY"] = own["no_proxy"]
    return {**inherited, **own, **part.environment}


def proxy_program() -> str:
    """Return the path of the proxy program.

    Raises:
        ProxyMissing: it is not installed.
    """
    own = TOOLS / PROXY
    found = str(own) if own.exists() else shutil.which(PROXY)
    if not found or not shutil.which("node", path=_path()):
        raise ProxyMissing("The proxy is not installed. Run `make setup` in the checkout first.")
    return str(Path(found))


def _path() -> str:
    return f"{NODE}:{os.environ.get('PATH', os.defpath)}"


def _no_proxy(inherited: Mapping[str, str], settings: Settings) -> str:
    theirs = inherited.get("no_proxy") or inherited.get("NO_PROXY") or ""
    ours = ["127.0.0.1", "localhost", Addresses(settings).gateway]
    return ",".join([*filter(None, theirs.split(",")), *ours])
