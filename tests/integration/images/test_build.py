"""Building on the real engine: once, atomically, and with a sentence when it cannot be done."""

import gc
import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from machinelabs_hub.catalog.load import load, read_builds
from machinelabs_hub.images import build as building
from machinelabs_hub.images import wheels
from machinelabs_hub.images.build import build_images
from machinelabs_hub.images.errors import BuildFailed, DiskFull, EngineMissing, PackagesMissing
from machinelabs_hub.settings import Engine, Settings
from machinelabs_hub.sites import Files

pytestmark = pytest.mark.engine

CATALOG = """
images:
  - {name: NAME, title: Tiny, description: Nothing but a file.}
flavours:
  - {name: small, title: Small, cpu: 1, memory_mib: 256}
"""


@pytest.fixture
def name() -> Iterator[str]:
    """The name of an image that no other test has; what was built of it is removed."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    for tag in tags(name):
        subprocess.run(["docker", "rmi", "-f", tag], check=True, capture_output=True)


def tags(name: str) -> list[str]:
    command = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return [tag for tag in found if name in tag]


@pytest.fixture
def settings(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A site with a catalogue of its own, whose one image is a single file."""
    folder = tmp_path / "images"
    (folder / name).mkdir(parents=True)
    (folder / "server").mkdir()
    (folder / "catalog.yaml").write_text(CATALOG.replace("NAME", name))
    (folder / name / "Dockerfile").write_text("FROM scratch\nCOPY file /\n")
    (folder / name / "file").write_text("1")
    (folder / "server" / "Dockerfile").write_text("ARG STACK\nFROM ${STACK}\nCOPY own /own\n")
    monkeypatch.setattr(building, "WORK", tmp_path / "work")
    return Settings(data=tmp_path / "data", catalog=str(folder / "catalog.yaml"))


def make(settings: Settings, said: list[str] | None = None) -> dict[str, str]:
    catalog = load(Path(settings.catalog), Files(settings.data).builds)
    builds = build_images(settings, catalog, (said if said is not None else []).append)
    return {name: build.tag for name, build in builds.items()}


def test_an_image_is_built_once(settings: Settings, name: str) -> None:
    first = make(settings)
    said: list[str] = []
    began = time.monotonic()
    assert make(settings, said) == first
    assert time.monotonic() - began < 1
    assert said == []
    assert first[name].startswith(f"machinelabs/{name}:")
    assert read_builds(Files(settings.data).builds)[name].tag == first[name]


def test_a_second_site_takes_what_the_engine_holds(settings: Settings, tmp_path: Path) -> None:
    first = make(settings)
    said: list[str] = []
    assert make(settings.model_copy(update={"data": tmp_path / "other"}), said) == first
    assert said == []


def test_a_new_wheel_of_ours_rebuilds_the_last_layer_alone(settings: Settings, name: str) -> None:
    first = make(settings)
    (building.WORK / "wheels").mkdir()
    (building.WORK / "wheels" / "ours-1-py3-none-any.whl").write_text("")
    assert make(settings) != first
    assert len([tag for tag in tags(name) if f"stack-{name}" in tag]) == 1
    assert len([tag for tag in tags(name) if f"/{name}:" in tag]) == 2


def test_a_failing_step_is_named_and_nothing_is_recorded(settings: Settings, name: str) -> None:
    dockerfile = Path(settings.catalog).parent / name / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY missing /\n")
    with pytest.raises(BuildFailed, match=r"“test-\w+” could not be built. Step 2/.*COPY missing"):
        make(settings)
    assert not Files(settings.data).builds.exists()
    log = Files(settings.data).logs / "images.log"
    assert "COPY missing" in log.read_text()
    assert tags(name) == []


def test_the_record_is_replaced_whole(settings: Settings, name: str) -> None:
    make(settings)
    record = Files(settings.data).builds
    before = record.read_text()
    (Path(settings.catalog).parent / name / "Dockerfile").write_text("FROM scratch\nNONSENSE\n")
    with pytest.raises(BuildFailed):
        make(settings)
    assert record.read_text() == before
    assert set(json.loads(before)) == {name}
    assert [path.name for path in record.parent.iterdir() if path.name.startswith(".")] == []


# docker's own client leaves the socket open that it could not connect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_engine_is_said_at_once(settings: Settings) -> None:
    engine = Engine(socket="unix:///nowhere/docker.sock")
    with pytest.raises(EngineMissing, match=r"No container engine answers at unix:///nowhere"):
        make(settings.model_copy(update={"engine": engine}))
    gc.collect()


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of one megabyte takes root to mount")
def test_a_full_disk_is_said_before_anything_is_built(
    settings: Settings, name: str, tmp_path: Path
) -> None:
    building.WORK.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(building.WORK)]
    subprocess.run(mount, check=True)
    try:
        with pytest.raises(DiskFull, match=rf"The disk is full: the image “{name}” could not"):
            make(settings)
    finally:
        subprocess.run(["umount", str(building.WORK)], check=True)
    assert tags(name) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of one megabyte takes root to mount")
def test_a_disk_that_fills_up_meanwhile_is_said_too(
    settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "_ROOM_MIB", 0)
    (Path(settings.catalog).parent / name / "file").write_bytes(os.urandom(2 * 2**20))
    building.WORK.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(building.WORK)]
    subprocess.run(mount, check=True)
    try:
        with pytest.raises(DiskFull):
            make(settings)
    finally:
        subprocess.run(["umount", str(building.WORK)], check=True)


def test_a_package_that_no_index_has_is_named(tmp_path: Path) -> None:
    pin = tmp_path / "python.txt"
    pin.write_text(f"pip==99.99 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(PackagesMissing, match=r"packages of the image “x”.*pip==99\.99") as caught:
        wheels.collect([pin], image="x", store=tmp_path / "store")
    assert caught.value.not_offered


def test_the_last_variant_is_taken_where_no_other_is_offered(tmp_path: Path) -> None:
    cpu, cuda = tmp_path / "python-cpu.txt", tmp_path / "python-cuda.txt"
    cpu.write_text(f"pip==99.99 --hash=sha256:{'0' * 64}\n")
    cuda.write_text(f"pip==99.98 --hash=sha256:{'0' * 64}\n")
    assert wheels.choose([cpu, cuda], [], image="x", store=tmp_path / "store") == cuda
