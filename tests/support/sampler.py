"""The real sampler as a process, over the stand-in for NVIDIA's library or over none."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.support.places import free_port
from tests.support.waiting import wait_until

from machinelabs_hub import settings as site_settings
from machinelabs_hub.gpu.sample import Sample
from machinelabs_hub.gpu.sampling import SamplerAway, SamplerClient
from machinelabs_hub.settings import SETTINGS_VARIABLE, Settings
from machinelabs_hub.sites import Files
from machinelabs_hub.up.secrets import ensure_secrets

PROGRAM = "from machinelabs_hub.gpu.sampler import main; main({interval})"


@dataclass(frozen=True, slots=True)
class RunningSampler:
    """A sampler that answers."""

    settings: Settings
    client: SamplerClient
    process: "subprocess.Popen[bytes]"
    log: Path

    def sample(self) -> Sample:
        return self.client.sample()

    def next_sample(self) -> Sample:
        """Return a sample that began after now."""
        # The next one may be under way already; the one after it is not.
        self._newer(self._newer(self.sample().at))
        return self.sample()

    def _newer(self, than: datetime) -> datetime:
        wait_until(lambda: self.sample().at > than, seconds=10, what="a new sample")
        return self.sample().at


def settings_in(folder: Path) -> Settings:
    """Return the settings of a site in `folder`, with its secrets and a free port."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "settings.yaml"
    if not file.exists():
        file.write_text(f"site: {{port: {free_port()}}}\n", encoding="ascii")
    settings = site_settings.load(file)
    ensure_secrets(Files(settings.data))
    return settings


@contextmanager
def running_sampler(
    folder: Path, environment: Mapping[str, str] | None = None, *, interval: float = 0.3
) -> Iterator[RunningSampler]:
    """Run a sampler for the site in `folder` until the block ends."""
    settings = settings_in(folder)
    log = folder / "sampler.log"
    own = {SETTINGS_VARIABLE: str(folder / "settings.yaml"), **(environment or {})}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(interval=interval)],
            env={**os.environ, **own},
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
        )
    client = SamplerClient(settings)
    try:
        wait_until(lambda: _answers(client), seconds=20, what=f"the sampler ({log})")
        yield RunningSampler(settings, client, process, log)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(client: SamplerClient) -> bool:
    try:
        sample = client.sample()
    except SamplerAway:
        return False
    # Before the first sample it says only that it has none.
    return sample.is_told or bool(sample.fault)
