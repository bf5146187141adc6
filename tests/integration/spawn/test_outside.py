"""The site's own proxy and certificates reach programs inside, without a setting of theirs."""

import asyncio
import socket
import ssl
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.support.inside import elsewhere, inside, python, reaches
from tests.support.places import Place, free_port
from tests.support.site import Site, remove_leftovers
from tests.support.tls import self_signed
from tests.support.waiting import wait_until

from machinelabs_hub.catalog.load import load
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, catalog_file
from machinelabs_hub.spawn import network
from machinelabs_hub.spawn.engine import engine_for
from machinelabs_hub.spawn.network import apply_filter
from machinelabs_hub.spawn.options import Choice
from machinelabs_hub.spawn.plan import ContainerPlan, home_volume, make_plan

pytestmark = pytest.mark.engine

USER = "outside"
FAR = "127.0.0.9"
"""An address of this machine that containers do not exempt from the proxy."""
NAMESERVER = "10.254.252.53"
MIRROR = "10.254.251.5"
KNOWN = "203.0.113.77"


@pytest.fixture(scope="module")
def place(site: Site) -> Iterator[Settings]:
    """The site's settings with a network and a packet filter that its keeper does not renew."""
    own = Place.find()
    named = {"prefix": own.prefix, "network": own.network, "subnet": own.subnet}
    settings = changed(site.settings, named)
    network.ensure_network(settings)
    try:
        yield settings
    finally:
        remove_leftovers(own, settings)


def changed(settings: Settings, knobs: dict[str, Any]) -> Settings:
    return settings.model_copy(update={"engine": settings.engine.model_copy(update=knobs)})


@contextmanager
def container(place: Settings, *, dns: tuple[str, ...] = (), **engine: Any) -> Iterator[str]:
    """A container as the site with these knobs makes it, that only sleeps."""
    settings = changed(place, engine)
    plan = plan_of(settings)
    plan = replace(plan, dns=dns or plan.dns)
    asyncio.run(made_and_started(settings, plan))
    try:
        apply_filter(settings)
        yield plan.name
    finally:
        apply_filter(place)
        volume = home_volume(settings.engine.prefix, USER)
        for command in (["rm", "-f", plan.name], ["volume", "rm", volume]):
            subprocess.run(["docker", *command], check=True, capture_output=True)


def plan_of(settings: Settings) -> ContainerPlan:
    catalog = load(catalog_file(settings), settings.data / "images.json")
    plan = make_plan(
        settings=settings,
        catalog=catalog,
        builds=catalog.builds,
        choice=Choice("base", "cpu-small"),
        user=USER,
        server="",
        most_files=1024,
    )
    return replace(plan, command=("sleep", "600"))


async def made_and_started(settings: Settings, plan: ContainerPlan) -> None:
    engine = engine_for(settings.engine)
    await engine.start(await engine.create(plan, plan.environment))


@contextmanager
def forward_proxy(address: str, folder: Path) -> Iterator[str]:
    """Run a forward proxy (tinyproxy) at `address`; give its address and where it logs."""
    port = free_port(1)
    config = folder / "tinyproxy.conf"
    config.write_text(
        f"Port {port}\nListen {address}\nTimeout 30\nAllow 0.0.0.0/0\n"
        f'LogFile "{folder / "tinyproxy.log"}"\nLogLevel Connect\nPidFile "{folder / "pid"}"\n'
    )
    process = subprocess.Popen(["tinyproxy", "-d", "-c", str(config)], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(address, port), seconds=10, what="the proxy")
        yield f"http://{address}:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def listens(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port), 1):
        return True
    return False


class Greeter(BaseHTTPRequestHandler):
    """A server of the internet that answers with what was asked for."""

    def do_GET(self) -> None:
        said = f"got {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


@contextmanager
def far_away(folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve https where no container comes by itself; give the address and its certificate."""
    certificate, key = self_signed(FAR)
    (folder / "far.pem").write_text(certificate + key, encoding="ascii")
    (folder / "ca.pem").write_text(certificate, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "far.pem")
    with ThreadingHTTPServer((FAR, 0), Greeter) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://{FAR}:{server.server_port}", folder / "ca.pem"
        server.shutdown()


def test_programs_reach_the_internet_by_the_sites_proxy_with_its_certificates(
    place: Settings, tmp_path: Path
) -> None:
    with (
        far_away(tmp_path) as (url, authority),
        forward_proxy(Addresses(place).gateway, tmp_path) as proxy,
    ):
        fetch = (
            "import urllib.request as u\n"
            f"print(u.urlopen('{url}/set.csv', timeout=5).read().decode())"
        )
        with container(place, http_proxy=proxy, ca_file=str(authority)) as inside_it:
            assert python(inside_it, fetch).out == "got /set.csv"
            # It gets there: what it gets is no wheel.
            pip = inside(inside_it, "pip", "download", "--no-deps", f"{url}/a-1-py3-none-any.whl")
            assert "a-1-py3-none-any.whl" in pip.err
            assert "invalid" in pip.err.lower()
        assert FAR in (tmp_path / "tinyproxy.log").read_text()
        with container(place, http_proxy=proxy) as inside_it:
            assert "CERTIFICATE_VERIFY_FAILED" in python(inside_it, fetch).err
        with container(place, ca_file=str(authority)) as inside_it:
            assert python(inside_it, fetch).code != 0, "nobody gets there without the proxy"


def test_names_are_asked_of_the_machines_nameserver_and_of_nobody_without_internet(
    place: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolv = tmp_path / "resolv.conf"
    resolv.write_text(f"nameserver {NAMESERVER}\n")
    monkeypatch.setattr(network, "RESOLV_CONF", resolv)
    ask = "import socket; print(socket.gethostbyname('data.example'))"
    with elsewhere("mlns", NAMESERVER, "198.18.204.0"), dnsmasq("mlns", "data.example"):
        # The engine gives containers what its own machine asks; here it is told.
        with container(place, dns=(NAMESERVER,)) as inside_it:
            assert python(inside_it, ask).out == KNOWN
            assert not reaches(inside_it, NAMESERVER, 80), "it is reached for names alone"
        with container(place, internet=False) as inside_it:
            began = time.monotonic()
            assert "gaierror" in python(inside_it, ask).err
            assert time.monotonic() - began < 5, "a program is told at once"


def test_without_internet_packages_come_from_the_sites_mirror(
    place: Settings, tmp_path: Path
) -> None:
    packages = tmp_path / "simple" / "tiny"
    packages.mkdir(parents=True)
    wheel = "tiny-1-py3-none-any.whl"
    (packages / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')
    with zipfile.ZipFile(packages / wheel, "w") as file:
        file.writestr("tiny.py", "said = 'from the mirror'\n")
        file.writestr(
            "tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n"
        )
        file.writestr(
            "tiny-1.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr("tiny-1.dist-info/RECORD", "")
    install = ("pip", "install", "--quiet", "--retries", "0", "tiny")
    show = ("python", "-c", "import tiny; print(tiny.said)")
    knobs: dict[str, Any] = {"internet": False, "pip_index_url": f"http://{MIRROR}:8080/simple/"}
    with elsewhere("mlmir", MIRROR, "198.18.205.0"), web("mlmir", tmp_path):
        with container(place, **knobs, allowed_subnets=(f"{MIRROR}/32",)) as inside_it:
            done = inside(inside_it, *install)
            assert done.code == 0, done.err
            assert inside(inside_it, *show).out == "from the mirror"
        with container(place, **knobs) as inside_it:
            assert inside(inside_it, *install).code != 0, "only what is allowed is reached"


@contextmanager
def web(namespace: str, folder: Path) -> Iterator[None]:
    command = ["nsenter", f"--net=/var/run/netns/{namespace}", "python3", "-m", "http.server"]
    process = subprocess.Popen(
        [*command, "--directory", str(folder), "8080"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: listens(MIRROR, 8080), seconds=20, what="the mirror")
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def dnsmasq(namespace: str, name: str) -> Iterator[None]:
    command = [
        "nsenter", f"--net=/var/run/netns/{namespace}", "dnsmasq", "--keep-in-foreground",
        "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--user=root", "--pid-file",
        f"--address=/{name}/{KNOWN}",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(NAMESERVER, 53), seconds=10, what="the nameserver")
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_programs_trust_the_sites_certificates(place: Settings, tmp_path: Path) -> None:
    certificate, key = self_signed("localhost")
    file = tmp_path / "site.pem"
    file.write_text(certificate, encoding="ascii")
    code = f"""
import os, ssl, tempfile, threading, urllib.request
from http.server import HTTPServer, SimpleHTTPRequestHandler
with tempfile.NamedTemporaryFile("w", suffix=".pem") as pair:
    pair.write({certificate + key!r}); pair.flush()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.name)
os.chdir(tempfile.mkdtemp())
server = HTTPServer(("127.0.0.1", 8443), SimpleHTTPRequestHandler)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(urllib.request.urlopen("https://localhost:8443/", timeout=5).status)
"""
    with container(place, ca_file=str(file)) as inside:
        assert python(inside, code).out == "200"
    with container(place) as inside:
        assert "CERTIFICATE_VERIFY_FAILED" in python(inside, code).err
