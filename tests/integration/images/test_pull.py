"""Where a registry answers, the base system is pulled from it instead of made from a mirror."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.own_engine import own_engine, registry

from machinelabs_hub.catalog.load import load
from machinelabs_hub.images import build as building
from machinelabs_hub.images.build import build_images
from machinelabs_hub.images.distribution import TAG, UPSTREAM, ensure
from machinelabs_hub.images.engine import Engine
from machinelabs_hub.settings import Engine as EngineSettings
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine of the test's own takes root"),
]

CATALOG = """
images:
  - {name: pulled, title: Pulled, description: What was pulled and a file.}
flavours:
  - {name: small, title: Small, cpu: 1, memory_mib: 256}
"""


def docker(socket: str, *arguments: str, given: str = "") -> str:
    command = ["docker", "--host", socket, *arguments]
    return subprocess.run(
        command, input=given, check=True, capture_output=True, text=True, timeout=120
    ).stdout


def offer(socket: str, host: str, folder: Path) -> None:
    """Put a base system that is one file, `/marker`, into the registry."""
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY marker /\n")
    (folder / "marker").write_text("from the registry")
    name = f"{host}/library/{UPSTREAM}"
    docker(socket, "build", "--quiet", "--tag", name, str(folder))
    docker(socket, "push", "--quiet", name)
    docker(socket, "image", "rm", "--force", name)


def content(socket: str, tag: str, path: str, into: Path) -> str:
    made = docker(socket, "create", tag, "nothing").strip()
    docker(socket, "cp", f"{made}:{path}", str(into))
    docker(socket, "rm", made)
    return into.read_text()


def test_the_base_system_is_pulled_and_images_are_built_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "WORK", tmp_path / "work")
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    folder = tmp_path / "images"
    for name in ("pulled", "server"):
        (folder / name).mkdir(parents=True)
    (folder / "catalog.yaml").write_text(CATALOG)
    (folder / "pulled" / "Dockerfile").write_text(
        "ARG DISTRIBUTION\nFROM ${DISTRIBUTION}\nCOPY file /\n"
    )
    (folder / "pulled" / "file").write_text("1")
    (folder / "server" / "Dockerfile").write_text("ARG STACK\nFROM ${STACK}\nCOPY own /own\n")
    said: list[str] = []
    with (
        registry(tmp_path / "registry") as host,
        own_engine("--registry-mirror", f"http://{host}") as socket,
    ):
        offer(socket, host, tmp_path / "offered")
        settings = Settings(
            data=tmp_path / "data",
            catalog=str(folder / "catalog.yaml"),
            engine=EngineSettings(socket=socket),
        )
        catalog = load(folder / "catalog.yaml", Files(settings.data).builds)
        builds = build_images(settings, catalog, said.append)
        assert f"Pulled {UPSTREAM}" in said
        assert content(socket, builds["pulled"].tag, "/marker", tmp_path / "got") == (
            "from the registry"
        )
        with Engine(socket=socket) as engine:
            said.clear()
            assert ensure(engine, work=tmp_path / "work", say=said.append) == TAG
            assert said == [], "what is fresh is not pulled again"
