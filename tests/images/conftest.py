"""Images as the catalogue's builds, and containers of them that are shut in like people's."""

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from machinelabs_hub.catalog.load import load
from machinelabs_hub.catalog.model import Build, Catalog
from machinelabs_hub.images.build import build_images
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files, catalog_file


@dataclass(frozen=True)
class Box:
    """A running container."""

    name: str

    def run(self, *command: str, timeout: float = 120) -> str:
        """Return what a command said; it fails the test where the command fails."""
        done = self.attempt(*command, timeout=timeout)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def attempt(self, *command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "exec", self.name, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def python(self, code: str) -> str:
        """Run code in the Python of notebooks."""
        return self.run("python", "-c", code)

    def put(self, source: Path) -> str:
        """Copy a file into the container and return its path there."""
        command = ["docker", "cp", "-q", str(source), f"{self.name}:/srv/{source.name}"]
        subprocess.run(command, check=True)
        return f"/srv/{source.name}"


@contextmanager
def box_of(tag: str, *options: str) -> Iterator[Box]:
    name = f"test-images-{uuid.uuid4().hex[:8]}"
    command = ["docker", "run", "-d", "--rm", "--init", "--name", name, "--network", "none"]
    command += ["--user", "1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    command += ["--memory", "2g", "--memory-swap", "2g", *options, tag, "sleep", "600"]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield Box(name)
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=False, capture_output=True)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data=tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def catalog(settings: Settings) -> Catalog:
    return load(catalog_file(settings), Files(settings.data).builds)


@pytest.fixture(scope="session")
def builds(settings: Settings, catalog: Catalog) -> dict[str, Build]:
    return build_images(settings, catalog, print)


@pytest.fixture(scope="session")
def boxes(builds: dict[str, Build]) -> Iterator[dict[str, Box]]:
    """One running container of every image."""
    with ExitStack() as open_boxes:
        yield {name: open_boxes.enter_context(box_of(build.tag)) for name, build in builds.items()}


@pytest.fixture
def base(boxes: dict[str, Box]) -> Box:
    return boxes["base"]
