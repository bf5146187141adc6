"""A site with four simulated cards: the real hub and proxy, on an engine of its own."""

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from tests.support.card_engine import CardEngine, card_engine
from tests.support.places import Place
from tests.support.site import Site

from machinelabs_hub.db.migrate import upgrade
from machinelabs_hub.sites import database_url
from machinelabs_hub.spawn.network import ensure_network
from machinelabs_hub.up import away, layout, parts
from machinelabs_hub.up.secrets import ensure_secrets

CARDS = tuple(f"GPU-0000000{number}-0000-4000-8000-000000000000" for number in range(4))
HUB_SECONDS = 240
SIZE = {"cpu": 0.5, "memory_mib": 256, "shm_mib": 16}
FLAVOURS = {
    "cpu": None,
    "whole": {"count": 1},
    "pair": {"count": 2},
    "half": {"count": 1, "share": 2},
}


@dataclass
class CardSite(Site):
    """A `Site` of hub and proxy alone. Make it with `running_with_cards(...)`."""

    engine: CardEngine | None = None
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def cards(self) -> CardEngine:
        assert self.engine is not None
        return self.engine

    def prepare(self) -> None:
        """Write what `up` would find or make: settings, catalogue, builds, secrets, network."""
        self.data.mkdir(parents=True, exist_ok=True)
        catalogue = {
            "images": [
                {"name": name, "title": name.title(), "description": "."}
                for name in self.cards.images
            ],
            "flavours": [
                {"name": name, "title": name.title(), **SIZE, **({"gpu": gpu} if gpu else {})}
                for name, gpu in FLAVOURS.items()
            ],
        }
        (self.data / "catalog.yaml").write_text(yaml.safe_dump(catalogue), encoding="utf-8")
        builds = {
            name: {"id": key, "tag": f"test/{name}:1", "size_mib": 1}
            for name, key in self.cards.images.items()
        }
        self.write_settings()
        self.files.builds.write_text(json.dumps(builds), encoding="utf-8")
        settings = layout.prepare(self.data)
        ensure_secrets(self.files)
        away.write(settings)
        upgrade(database_url(settings))
        ensure_network(settings)

    def start(self) -> float:
        """Start proxy and hub; return the seconds until the hub serves."""
        self.run_part("proxy")
        return self.start_hub()

    def start_hub(self) -> float:
        """Start the hub, as its keeper does when it died; return the seconds until it serves."""
        began = time.monotonic()
        self.run_part("hub")
        while time.monotonic() - began < HUB_SECONDS:
            try:
                if self.operator("GET", "/info").is_success:
                    return time.monotonic() - began
            except httpx.HTTPError:
                time.sleep(0.05)
        raise RuntimeError(f"the hub does not start:\n{self.log('hub')[-4000:]}")

    def kill_hub(self) -> None:
        """End the hub as a crash does."""
        self.processes["hub"].kill()
        self.processes["hub"].wait()

    def run_part(self, name: str) -> None:
        """Start one process of the site as `up` does."""
        settings = self.settings
        part = {"proxy": parts.proxy, "hub": parts.hub, "sampler": parts.sampler}[name](settings)
        self.files.logs.mkdir(exist_ok=True)
        with (self.files.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                part.command,
                cwd=self.data,
                env=parts.environment_of(part, settings),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        if part.name == "proxy":
            self._wait_for_proxy(part)

    def _wait_for_proxy(self, part: parts.Part) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if httpx.get(part.ready, headers=dict(part.headers)).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise RuntimeError("the proxy does not start")

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Stop hub and proxy."""
        began = time.monotonic()
        for process in self.processes.values():
            process.send_signal(number)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return time.monotonic() - began

    def remove(self) -> None:
        """Stop the site; its engine takes with it what it made."""
        for client in self._clients:
            client.close()
        self.stop()


@contextmanager
def running_with_cards(*options: str, **overrides: Mapping[str, Any]) -> Iterator[CardSite]:
    """Run a site with four cards, `CARDS`, and the flavours `cpu`, `whole`, `pair` and `half`.

    Its engine is started with `options`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="cards-") as made,
        card_engine(Path(made), *options) as engine,
    ):
        place = Place.find()
        own: dict[str, Any] = {
            "catalog": str(Path(made) / "data" / "catalog.yaml"),
            "servers": {"default_image": "tiny", "default_flavour": "cpu", "idle_minutes": 0},
            "engine": {"socket": engine.proxy.address, "start_timeout": 20},
            "gpus": {
                "source": "static",
                "cards": [{"uuid": uuid, "memory_mib": 40960} for uuid in CARDS],
            },
        }
        for section, keys in overrides.items():
            own[section] = {**own.get(section, {}), **keys}
        site = CardSite(data=Path(made) / "data", place=place, overrides=own, engine=engine)
        try:
            site.prepare()
            site.start()
            yield site
        finally:
            engine.proxy.switch(type(engine.proxy.mode).WELL)
            site.remove()
            leave_no_container(engine)


def leave_no_container(engine: CardEngine) -> None:
    """Remove all containers, so that the engine ends at once."""
    found = engine.run("container", "ls", "-aq").split()
    if found:
        engine.run("container", "rm", "-f", *found)
    networks = engine.run("network", "ls", "-q", "--filter", "label=machinelabs.site").split()
    for network in networks:
        engine.run("network", "rm", network)
