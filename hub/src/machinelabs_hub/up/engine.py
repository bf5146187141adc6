"""Is there a container engine? Where none answers and we may, install Debian's and start it."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

import httpx

from machinelabs_hub.errors import SetupError
from machinelabs_hub.settings import Settings
from machinelabs_hub.up.steps import Steps

DEFAULT_SOCKET: Final = "unix:///var/run/docker.sock"
INSTALLED_BY_US: Final = "engine-installed"
"""A file in DATA that says that the engine came with this site."""

START_SECONDS: Final = 60
LOG: Final = Path("/var/log/dockerd.log")


class NoEngine(SetupError):
    """No container engine answers, and none can be started from here."""

    code = "no_engine"


def answers(socket: str, *, seconds: float = 3) -> bool:
    """Whether an engine answers at the address `socket` (unix://… or tcp://…)."""
    scheme, _, place = socket.partition("://")
    transport = httpx.HTTPTransport(uds=place) if scheme == "unix" else None
    url = "http://engine" if scheme == "unix" else f"http://{place}"
    try:
        with httpx.Client(transport=transport, timeout=seconds, trust_env=False) as client:
            return client.get(f"{url}/_ping").is_success
    except httpx.HTTPError:
        return False


def may_ask(socket: str) -> bool:
    """Whether this user may talk to the engine at `socket`; an address without a file: yes."""
    scheme, _, place = socket.partition("://")
    is_file = scheme == "unix" and Path(place).exists()
    return not is_file or os.access(place, os.R_OK | os.W_OK, effective_ids=True)


def ensure(settings: Settings, steps: Steps) -> None:
    """Return when an engine answers; install and start one where that is ours to do.

    Raises:
        NoEngine: says why not, and what to do.
    """
    socket = settings.engine.socket
    if not may_ask(socket):
        raise NoEngine(not_yours(socket))
    if answers(socket):
        return
    if socket != DEFAULT_SOCKET:
        raise NoEngine(
            f"No container engine answers at {socket}. Start it, or correct `engine.socket` in "
            f"{settings.data / 'settings.yaml'}."
        )
    if os.geteuid() != 0:
        raise NoEngine(
            "No container engine answers, and only root may install and start one. Run the same "
            "command with sudo, or install it yourself: `sudo apt-get install docker.io`."
        )
    if not shutil.which("dockerd"):
        with steps.step("Container engine: installing Debian's package"):
            _install(settings)
    with steps.step("Container engine: starting"):
        _start()
        _wait(socket)


def not_yours(socket: str) -> str:
    """Return the sentence for who may not talk to an engine that is there."""
    return (
        f"You may not talk to the container engine at {socket}. Run the same command with sudo, or "
        "as a member of the group that the socket belongs to."
    )


def _install(settings: Settings) -> None:
    if not shutil.which("apt-get"):
        raise NoEngine(
            "No container engine answers, and this machine has no apt-get to install one with. "
            "Install Docker Engine by hand, then start again."
        )
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        [*apt, "update"],
        [*apt, "install", "--no-install-recommends", "docker.io", "iptables", "ca-certificates"],
    ):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["apt-get said nothing"]
            raise NoEngine(
                f"The container engine could not be installed: {said[-1]} "
                "Check this machine's network and apt sources, then start again."
            )
    (settings.data / INSTALLED_BY_US).touch()


def _start() -> None:
    if Path("/run/systemd/system").is_dir():
        done = subprocess.run(
            ["systemctl", "start", "docker"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NoEngine(
                "The container engine does not start. Look at `journalctl -u docker`, mend it, "
                "then start again."
            )
        return
    # No init system: a process of its own that outlives this one, for people's containers do.
    with LOG.open("ab") as log:
        subprocess.Popen(
            ["dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def _wait(socket: str) -> None:
    until = time.monotonic() + START_SECONDS
    while not answers(socket):
        if time.monotonic() > until:
            raise NoEngine(
                f"The container engine was started but does not answer. Look at {LOG}, mend it, "
                "then start again."
            )
        time.sleep(0.2)
