"""A site on a machine with GPUs: its sampler is kept running, a failed card is known in time."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select
from tests.support.fake_nvml import FakeCard, FakeNvml, build
from tests.support.places import free_port
from tests.support.site import Site, command, running
from tests.support.waiting import wait_until

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.db.tables.gpus import CardRow
from machinelabs_hub.gpu.nvml import is_installed
from machinelabs_hub.gpu.sampling import SamplerAway, SamplerClient
from machinelabs_hub.sites import database_url

DRAINED_SECONDS = 30


@pytest.fixture(scope="module")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> FakeNvml:
    folder = tmp_path_factory.mktemp("nvml")
    machine = FakeNvml(library=build(folder), state=folder / "state")
    machine.cards = [FakeCard("GPU-a", used_mib=512, sm=31), FakeCard("GPU-b")]
    machine.tell()
    return machine


@pytest.fixture(scope="module")
def site(nvml: FakeNvml, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in nvml.environment.items():
            patch.setenv(name, value)
        with running(tmp_path_factory.mktemp("cards")) as started:
            yield started


def order(site: Site, nvml: FakeNvml, *words: str) -> str:
    done = subprocess.run(
        command(*words, "--data", str(site.data)),
        env={**os.environ, **nvml.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.stdout


def healths(site: Site) -> dict[str, str]:
    engine = open_engine(database_url(site.settings))
    try:
        with session_maker(engine)() as db:
            return {row.uuid: row.health for row in db.scalars(select(CardRow))}
    finally:
        engine.dispose()


def pid(site: Site) -> int:
    file = site.files.run / "sampler.pid"
    return int(file.read_text()) if file.exists() else 0


@pytest.mark.engine
def test_the_site_samples_its_cards_and_lists_them(site: Site, nvml: FakeNvml) -> None:
    assert "  GPU sampler … " in site.said()
    wait_until(lambda: len(healths(site)) == 2, seconds=20, what="the hub to know the cards")
    first, second = order(site, nvml, "gpus").splitlines()
    assert "NVIDIA A100-SXM4-40GB, 40960 MiB  ok  31 % busy, 512 MiB used  free" in first
    assert second.startswith("GPU-b")
    assert "gpu GPU-a: NVIDIA A100-SXM4-40GB, 40960 MiB." in order(site, nvml, "check")


@pytest.mark.engine
def test_a_sampler_that_dies_is_started_anew_and_no_card_fails(site: Site, nvml: FakeNvml) -> None:
    wait_until(lambda: len(healths(site)) == 2, seconds=20, what="the hub to know the cards")
    before = pid(site)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: pid(site) not in {0, before}, seconds=20, what="a new sampler")
    wait_until(lambda: _answers(site), seconds=20, what="its answer")
    assert healths(site) == {"GPU-a": "ok", "GPU-b": "ok"}


@pytest.mark.engine
def test_a_card_that_fails_is_known_to_the_hub_within_thirty_seconds(
    site: Site, nvml: FakeNvml
) -> None:
    wait_until(lambda: _answers(site), seconds=20, what="the sampler")
    began = time.monotonic()
    nvml.happen(1, 79)
    wait_until(
        lambda: healths(site)["GPU-b"] == "failed", seconds=DRAINED_SECONDS, what="a failed card"
    )
    print(f"known after {time.monotonic() - began:.1f} s")
    assert healths(site)["GPU-a"] == "ok"
    assert "failed" in order(site, nvml, "gpus")
    assert "Xid 79: it has fallen off the bus." in order(site, nvml, "check")


def test_a_site_that_was_never_started_says_so(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("")
    done = subprocess.run(
        command("gpus", "--data", str(tmp_path)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Start it once." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(is_installed(), reason="this machine has NVIDIA's library")
def test_a_site_that_wants_the_library_does_not_start_without_it(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump({"gpus": {"source": "nvml"}}))
    without = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    done = subprocess.run(
        command("up", "--data", str(tmp_path), "--port", str(free_port())),
        env=without,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "libnvidia-ml.so.1" in done.stderr
    assert "auto, static or off" in done.stderr


def _answers(site: Site) -> bool:
    try:
        return SamplerClient(site.settings).sample().is_told
    except SamplerAway:
        return False
