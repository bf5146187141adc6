"""The peer: an untouched JupyterHub with DockerSpawner, on a network and ports of its own."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import httpx
from tests.support.places import Place

from machinelabs_hub.catalog.model import Flavour
from machinelabs_hub.up.parts import TOOLS

CONFIG = Path(__file__).with_name("stock_config.py")


@dataclass(frozen=True, slots=True)
class Stock:
    """A running stock hub. Its users take image `same` or `untuned`."""

    place: Place
    token: str
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.place.port}"

    @property
    def gateway(self) -> str:
        return str(next(ip_network(self.place.subnet).hosts()))

    def operator(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.url}/hub/api",
            headers={"Authorization": f"token {self.token}"},
            timeout=300,
        )

    def sign_in(self, name: str) -> httpx.Client:
        """Return a client that signed in at the form."""
        client = httpx.Client(base_url=self.url, follow_redirects=True, timeout=60)
        client.get("/hub/login")
        form = {"username": name, "password": "x", "_xsrf": client.cookies["_xsrf"]}
        # The page after sign-in would start a server.
        client.post("/hub/login?next=%2Fhub%2Fhome", data=form).raise_for_status()
        return client


@contextmanager
def running(
    folder: Path, *, images: Mapping[str, str], flavour: Flavour, has_gpu: bool = False
) -> Iterator[Stock]:
    """Run a stock hub whose containers have the limits of `flavour`, and a GPU if asked for."""
    stock = Stock(place=Place.find(), token=secrets.token_hex(16), folder=folder)
    network = stock.place.network
    docker("network", "create", "--subnet", stock.place.subnet, "--gateway", stock.gateway,
           "-o", f"com.docker.network.bridge.name=br-{network}"[:46],
           "-o", "com.docker.network.bridge.enable_icc=false", network)  # fmt: skip
    memory = flavour.memory_mib * 2**20
    # As DockerSpawner's own threads advise: one card each.
    gpu = {"device_requests": [{"count": 1, "capabilities": [["gpu"]]}]} if has_gpu else {}
    given = {
        "folder": str(folder),
        "port": stock.place.port,
        "gateway": stock.gateway,
        "network": network,
        "prefix": stock.place.prefix,
        "token": stock.token,
        "proxy": str(TOOLS / "configurable-http-proxy"),
        "images": dict(images),
        "memory": memory,
        "cpu": flavour.cpu,
        # The image that holds a GPU for a moment names no command of its own.
        "command": ["jupyterhub-singleuser"] if has_gpu else None,
        "host_config": {
            "memswap_limit": memory,
            "pids_limit": flavour.pids,
            "shm_size": flavour.shm_mib * 2**20,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "init": True,
            **gpu,
        },
    }
    with (folder / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG)],
            env={**os.environ, "BENCH_STOCK": json.dumps(given)},
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )
    try:
        _wait(stock, process)
        yield stock
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        for kind in ("container", "volume"):
            everything = docker(kind, "ls", "-q" if kind == "volume" else "-aq", "--filter",
                                f"name=^{stock.place.prefix}-")  # fmt: skip
            if everything:
                docker(kind, "rm", "-f", *everything)
        docker("network", "rm", network)


def docker(*arguments: str) -> list[str]:
    """Run a docker command and return its words."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr}")
    return done.stdout.split()


def _wait(stock: Stock, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{stock.url}/hub/health").is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise RuntimeError((stock.folder / "hub.log").read_text()[-3000:])
