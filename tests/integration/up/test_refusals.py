"""What hinders a start is said in a sentence, before anything is half-done."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.support.places import free_port
from tests.support.site import command

from machinelabs_hub.db.migrate import DatabaseUnusable, upgrade
from machinelabs_hub.settings import Engine, Settings
from machinelabs_hub.sites import database_url
from machinelabs_hub.up import engine, layout
from machinelabs_hub.up.steps import Steps

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a small file system takes root to mount")


def start(data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("up", "--data", str(data), *more),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def refused(data: Path, *more: str) -> str:
    done = start(data, *more)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_busy_port_is_named_with_who_holds_it(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port + 2)):
        sentence = refused(tmp_path, "--port", str(port))
    assert f"Port {port + 2}, wanted for the hub, is in use by " in sentence
    assert "PORT=" in sentence


def test_an_unknown_key_is_named_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("site:\n  title: A\n  colour: red\n")
    sentence = refused(tmp_path)
    assert f"{tmp_path / 'settings.yaml'}, line 3: `site.colour`: there is no such key." in sentence


def test_an_ill_typed_key_is_named_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("site:\n  port: many\n")
    assert f"{tmp_path / 'settings.yaml'}, line 2: `site.port`" in refused(tmp_path)


def test_a_port_that_cannot_be_leaves_the_settings_as_they_were(tmp_path: Path) -> None:
    before = "site:\n  port: 8000\n"
    (tmp_path / "settings.yaml").write_text(before)
    assert "`site.port`" in refused(tmp_path, "--port", "70000")
    assert (tmp_path / "settings.yaml").read_text() == before


def test_no_engine_is_a_sentence_that_names_its_address(tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/nobody.sock"
    port = free_port()
    (tmp_path / "settings.yaml").write_text(
        f"site: {{port: {port}}}\nengine: {{socket: '{address}'}}\n"
    )
    sentence = refused(tmp_path)
    assert f"No container engine answers at {address}." in sentence
    assert "engine.socket" in sentence


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(tmp_path / "file" / "data")


def test_an_order_without_a_site_says_how_to_make_one(tmp_path: Path) -> None:
    done = subprocess.run(
        command("users", "list", "--data", str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "There is no site in" in done.stderr


@contextmanager
def small_disk(folder: Path, *, size: str) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@as_root
def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size="1m") as disk:
        sentence = refused(disk / "data")
        assert list(disk.iterdir()) == []
    assert f"The disk that holds {disk / 'data'} has " in sentence
    assert "MiB left" in sentence
    assert "DATA=" in sentence


@as_root
def test_a_disk_that_fills_up_meanwhile_leaves_nothing_half_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size="1m") as disk:
        settings = layout.prepare(disk)
        before = (disk / "settings.yaml").read_text()
        with suppress(OSError), (disk / "fills").open("wb") as file:
            file.write(bytes(2**20))
        with pytest.raises(layout.DataUnusable, match="is full"):
            layout.prepare(disk, port=settings.site.port + 10)
        assert (disk / "settings.yaml").read_text() == before
        with pytest.raises(DatabaseUnusable, match="disk is full"):
            upgrade(database_url(settings))
        assert sorted(path.name for path in disk.iterdir() if path.name.startswith(".")) == []


def test_a_file_that_is_no_database_is_a_sentence_and_stays(tmp_path: Path) -> None:
    database = tmp_path / "machinelabs.sqlite"
    database.write_bytes(b"a shopping list" * 100)
    with pytest.raises(DatabaseUnusable, match="is not a database"):
        upgrade(f"sqlite:///{database}")
    assert database.read_bytes() == b"a shopping list" * 100


@as_root
def test_an_engine_that_is_not_yours_to_ask_is_not_called_absent(tmp_path: Path) -> None:
    place = Path(tempfile.mkdtemp(prefix="ml-"))
    place.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "engine.sock"))
        (place / "engine.sock").chmod(0o600)
        settings = Settings(data=tmp_path, engine=Engine(socket=f"unix://{place}/engine.sock"))
        os.seteuid(65534)
        try:
            with pytest.raises(engine.NoEngine, match=r"You may not talk to .* with sudo"):
                engine.ensure(settings, Steps())
        finally:
            os.seteuid(0)
            shutil.rmtree(place)
