"""The site's own proxy and certificates reach programs inside, without a setting of theirs."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.support.inside import python
from tests.support.site import Site
from tests.support.tls import self_signed

from machinelabs_hub.catalog.load import load
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import catalog_file
from machinelabs_hub.spawn.engine import engine_for
from machinelabs_hub.spawn.network import apply_filter
from machinelabs_hub.spawn.options import Choice
from machinelabs_hub.spawn.plan import ContainerPlan, home_volume, make_plan

pytestmark = pytest.mark.engine

USER = "outside"


@contextmanager
def container(site: Site, **engine: str) -> Iterator[str]:
    """A container as the site with these knobs makes it, that only sleeps."""
    settings = site.settings
    settings = settings.model_copy(update={"engine": settings.engine.model_copy(update=engine)})
    plan = plan_of(settings)
    asyncio.run(made_and_started(settings, plan))
    try:
        apply_filter(settings)
        yield plan.name
    finally:
        apply_filter(site.settings)
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


class Proxy(BaseHTTPRequestHandler):
    """Answers whatever it is asked to fetch with the address."""

    def do_GET(self) -> None:
        said = f"fetched {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


def test_programs_use_the_sites_proxy(site: Site) -> None:
    with ThreadingHTTPServer((site.addresses.gateway, 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        address = f"http://{site.addresses.gateway}:{proxy.server_port}"
        fetch = (
            "import urllib.request as u\n"
            "print(u.urlopen('http://data.example/set.csv', timeout=5).read().decode())"
        )
        with container(site, http_proxy=address) as inside:
            assert python(inside, fetch).out == "fetched http://data.example/set.csv"
        proxy.shutdown()


def test_programs_trust_the_sites_certificates(site: Site, tmp_path: Path) -> None:
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
    with container(site, ca_file=str(file)) as inside:
        assert python(inside, code).out == "200"
    with container(site) as inside:
        assert "CERTIFICATE_VERIFY_FAILED" in python(inside, code).err
