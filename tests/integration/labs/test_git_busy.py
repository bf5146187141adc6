"""As many git clients at once as the site serves: the next one waits, or hears that it is in vain."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.git_client import GitClient
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.api import gitstream
from machinelabs_hub.labs.models.lab import Lab


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("busy"), git_at_once=2) as running:
        yield running


@pytest.fixture(scope="module")
def lab(server: LabsServer) -> Lab:
    """More than sockets and pipes hold between git and a client that does not read."""
    files = {f"{number}.bin": os.urandom(1 << 20) for number in range(40)}
    return server.publish("ada", files, title="Large")


@contextmanager
def slow_client(url: str, address: str) -> Iterator[None]:
    """Ask for a lab from `address`, read the first bytes, and then nothing for long."""
    transport = httpx.HTTPTransport(local_address=address)
    kind = {"Content-Type": "application/x-git-upload-pack-request"}
    with httpx.Client(transport=transport, headers=kind, timeout=30) as client:
        refs = client.get(f"{url}/info/refs?service=git-upload-pack").text
        want = f"want {refs.split('0000', 1)[1][4:44]} ofs-delta\n"
        body = f"{len(want) + 4:04x}{want}00000009done\n"
        with client.stream("POST", f"{url}/git-upload-pack", content=body) as answer:
            assert answer.status_code == 200
            pieces = answer.iter_raw()
            next(pieces)
            yield


def test_one_client_alone_gets_half_of_the_turns(
    server: LabsServer, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitstream, "_TURN", 1.0)
    url, git = f"{server.url}/{lab.path}.git", GitClient(tmp_path)
    with slow_client(url, "127.0.0.1"):
        said = git.refused("clone", url, "it")
    assert "remote: As many git clients as one may have here at once are yours already." in said
    assert "error: 503" in said
    assert not (tmp_path / "it").exists()


def test_who_waits_in_vain_hears_why(
    server: LabsServer, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitstream, "_TURN", 1.0)
    url = f"{server.url}/{lab.path}.git"
    with slow_client(url, "127.0.0.2"), slow_client(url, "127.0.0.3"):
        said = GitClient(tmp_path).refused("clone", url, "it")
    assert "remote: Many people use git here at this moment. Try again in a minute." in said


@pytest.mark.parametrize("others", [("127.0.0.1",), ("127.0.0.2", "127.0.0.3")])
def test_who_waits_is_served_when_another_is_done(
    server: LabsServer, lab: Lab, tmp_path: Path, others: tuple[str, ...]
) -> None:
    url, git = f"{server.url}/{lab.path}.git", GitClient(tmp_path)
    with ThreadPoolExecutor(1) as pool, ExitStack() as slow:
        for address in others:
            slow.enter_context(slow_client(url, address))
        cloned = pool.submit(git.run, "clone", url, "it")
        time.sleep(1)
        assert not cloned.done()
        slow.close()
        cloned.result(30)
    assert (tmp_path / "it/0.bin").stat().st_size == 1 << 20


def test_a_client_with_one_turn_is_not_in_its_own_way(server: LabsServer, tmp_path: Path) -> None:
    """git asks three times for a clone, the next time before the turn before is quite over."""
    small = server.publish("ada", {"a.py": b"1"}, title="Small")
    git = GitClient(tmp_path)
    for number in range(10):
        git.run("clone", f"{server.url}/{small.path}.git", str(number))
