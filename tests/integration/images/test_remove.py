"""Taking images away: all that the site had built, earlier builds too, and nobody else's."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.own_engine import own_engine

from machinelabs_hub.catalog.load import load
from machinelabs_hub.images import build as building
from machinelabs_hub.images import former
from machinelabs_hub.images.build import build_images
from machinelabs_hub.images.distribution import TAG
from machinelabs_hub.images.remove import remove_images
from machinelabs_hub.settings import Engine, Settings
from machinelabs_hub.sites import Files

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine of the test's own takes root"),
]

CATALOG = """
images:
  - {name: NAME, title: Tiny, description: Nothing but a file.}
flavours:
  - {name: small, title: Small, cpu: 1, memory_mib: 256}
"""


def a_site(folder: Path, name: str, socket: str) -> Settings:
    images = folder / "images"
    for part in (name, "server"):
        (images / part).mkdir(parents=True)
    (images / "catalog.yaml").write_text(CATALOG.replace("NAME", name))
    (images / name / "Dockerfile").write_text("FROM scratch\nCOPY file /\n")
    (images / name / "file").write_text("1")
    (images / "server" / "Dockerfile").write_text("ARG STACK\nFROM ${STACK}\nCOPY own /own\n")
    engine = Engine(socket=socket)
    return Settings(data=folder / "data", catalog=str(images / "catalog.yaml"), engine=engine)


def build(settings: Settings) -> None:
    build_images(settings, load(Path(settings.catalog), Files(settings.data).builds), print)


def change(settings: Settings, name: str) -> None:
    (Path(settings.catalog).parent / name / "file").write_text("2")


def have_base_system(socket: str, folder: Path) -> None:
    """Give the engine a base system that is one file, so that none has to be made."""
    (folder / "base").mkdir()
    (folder / "base" / "marker").write_text("")
    archive = subprocess.run(
        ["tar", "-C", str(folder / "base"), "-c", "."], check=True, capture_output=True
    ).stdout
    command = ["docker", "--host", socket, "import", "-", TAG]
    subprocess.run(command, input=archive, check=True, capture_output=True)


def tags(socket: str) -> set[str]:
    command = ["docker", "--host", socket, "images", "--format", "{{.Repository}}"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_earlier_builds_go_too_and_another_sites_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "WORK", tmp_path / "work")
    with own_engine() as socket:
        have_base_system(socket, tmp_path)
        mine, theirs = (a_site(tmp_path / name, name, socket) for name in ("mine", "theirs"))
        build(theirs)
        build(mine)
        change(mine, "mine")
        build(mine)
        assert len(former.read(Files(mine.data))) == 1
        build(mine)
        assert len(former.read(Files(mine.data))) == 1, "the same build replaces nothing"

        assert remove_images(mine) == []
        assert "machinelabs/mine" not in tags(socket)
        assert {"machinelabs/theirs", "machinelabs/stack-theirs"} <= tags(socket)
        assert former.read(Files(mine.data)) == []

        assert remove_images(theirs) == []
        assert tags(socket) == set(), "with the last site goes what images stand on"
