"""A whole site with cards of the stand-in for NVIDIA's library, and people's real servers on them.

`machinelabs-hub up`, the catalogue's image `base`, kernels, terminals: all is real but the cards,
and what processes say that they do on them (see `card_work`).
"""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.card_engine import CardEngine, bare_card_engine
from tests.support.card_site import leave_no_container
from tests.support.card_work import CardWork, card_work
from tests.support.fake_nvml import FakeCard, FakeNvml, build
from tests.support.places import Place
from tests.support.site import ROOT, Site
from tests.support.site_rows import rows
from tests.support.waiting import wait_until

from machinelabs_hub.catalog.load import load as load_catalog
from machinelabs_hub.catalog.model import Build
from machinelabs_hub.images.build import build_images
from machinelabs_hub.images.recipe import SERVER
from machinelabs_hub.up import layout

CARD_MIB = 40960
SIZE = {"cpu": 1, "memory_mib": 1024, "shm_mib": 64}
FLAVOURS = {"cpu": None, "whole": {"count": 1}, "half": {"count": 1, "share": 2}}


@dataclass
class GpuSite(Site):
    """A `Site` with an engine of its own and what goes on on its cards."""

    engine: CardEngine | None = None
    work: CardWork | None = None

    @property
    def cards(self) -> CardEngine:
        assert self.engine is not None
        return self.engine

    def remove(self) -> None:
        """Stop the site, and remove its containers first: its network cannot go before them."""
        self.stop()
        leave_no_container(self.cards)
        super().remove()


@contextmanager
def running_with_work(cards: int, **overrides: Mapping[str, Any]) -> Iterator[GpuSite]:
    """Run a site with so many cards, and the flavours `cpu`, `whole` and `half`."""
    with (
        tempfile.TemporaryDirectory(prefix="gpus-") as made,
        bare_card_engine(Path(made)) as engine,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(made)
        nvml = _machine(folder, cards)
        for name, value in nvml.environment.items():
            patch.setenv(name, value)
        own: dict[str, Any] = {
            "catalog": str(_catalog(folder)),
            "servers": {"default_image": "base", "default_flavour": "cpu", "idle_minutes": 0},
            "engine": {"socket": engine.address},
            "gpus": {"source": "nvml", "unopened_minutes": 0},
        }
        for section, keys in overrides.items():
            own[section] = {**own.get(section, {}), **keys}
        site = GpuSite(data=folder / "data", place=Place.find(), overrides=own, engine=engine)
        _bring_images(site)
        try:
            site.start()
            wait_until(lambda: rows(site, "select uuid from cards"), seconds=30, what="the cards")
            with card_work(engine, nvml) as site.work:
                yield site
        finally:
            site.remove()


def _machine(folder: Path, cards: int) -> FakeNvml:
    machine = FakeNvml(library=build(folder), state=folder / "nvml.state")
    machine.cards = [
        FakeCard(f"GPU-0000000{number}-0000-4000-8000-000000000000", total_mib=CARD_MIB)
        for number in range(cards)
    ]
    machine.tell()
    return machine


def _catalog(folder: Path) -> Path:
    """Lay the catalogue's `base` with flavours of our own."""
    images = folder / "images"
    images.mkdir()
    for name in ("base", SERVER):
        (images / name).symlink_to(ROOT / "images" / name)
    rows = yaml.safe_load((ROOT / "images" / "catalog.yaml").read_text(encoding="utf-8"))
    catalogue = {
        "images": [row for row in rows["images"] if row["name"] == "base"],
        "flavours": [
            {"name": name, "title": name.title(), **SIZE, **({"gpu": gpu} if gpu else {})}
            for name, gpu in FLAVOURS.items()
        ],
    }
    path = images / "catalog.yaml"
    path.write_text(yaml.safe_dump(catalogue), encoding="utf-8")
    return path


def _bring_images(site: GpuSite) -> None:
    """Give the site's engine what the machine's has built, or builds now."""
    site.write_settings()
    settings = layout.prepare(site.data)
    catalog = load_catalog(Path(settings.catalog), site.files.builds)
    theirs = settings.engine.model_copy(update={"socket": "unix:///var/run/docker.sock"})
    builds = build_images(settings.model_copy(update={"engine": theirs}), catalog, print)
    _carry(builds["base"], site.cards)


def _carry(build: Build, engine: CardEngine) -> None:
    with subprocess.Popen(["docker", "save", build.tag], stdout=subprocess.PIPE) as saved:
        subprocess.run(
            ["docker", "-H", engine.address, "load", "--quiet"], stdin=saved.stdout, check=True
        )
    if saved.returncode:
        raise RuntimeError(f"the engine does not give {build.tag}")
