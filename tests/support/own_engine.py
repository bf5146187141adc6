"""A container engine of the test's own, and a registry beside it: the machine's stays as it is."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.support.places import free_port, free_subnet

from machinelabs_hub.up.engine import answers

START_SECONDS = 60

REGISTRY = """
version: 0.1
log: {{accesslog: {{disabled: true}}, level: error}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@contextmanager
def own_engine(*options: str, programs: Path | None = None) -> Iterator[str]:
    """Run a second dockerd; give its address. What it runs it finds in `programs` first.

    It has a bridge of its own and leaves the packet filter alone: without either it would take
    the machine's engine its bridge or its rules.
    """
    # Not below pytest's folders: a socket's path has room for 107 letters.
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    bridge, socket = f"t{secrets.token_hex(4)}", folder / "engine.sock"
    gateway = free_subnet().replace(".0/24", ".1/24")
    _run("ip", "link", "add", bridge, "type", "bridge")
    try:
        _run("ip", "addr", "add", gateway, "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        command = [
            "dockerd", "--host", f"unix://{socket}", "--bridge", bridge, "--iptables=false",
            "--ip-masq=false", "--data-root", str(folder / "data"),
            "--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid"), *options,
        ]  # fmt: skip
        path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
        with _process(command, folder / "dockerd.log", PATH=path) as process:
            address = f"unix://{socket}"
            _wait(process, folder / "dockerd.log", lambda: socket.exists() and answers(address))
            yield address
    finally:
        _run("ip", "link", "del", bridge)
        shutil.rmtree(folder)


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Run an image registry on loopback; give its host and port."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port(1)
    config = folder / "registry.yml"
    config.write_text(REGISTRY.format(folder=folder / "images", port=port), encoding="ascii")
    log = folder / "registry.log"
    with _process(["docker-registry", "serve", str(config)], log) as process:
        _wait(process, log, lambda: _serves(f"http://127.0.0.1:{port}/v2/"))
        yield f"127.0.0.1:{port}"


def _serves(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def _process(
    command: Sequence[str], log: Path, **variables: str
) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **variables},
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", log: Path, is_up: Callable[[], bool]) -> None:
    until = time.monotonic() + START_SECONDS
    while not is_up():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{process.args!r} does not come up:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
