"""Run commands inside a person's container, as the person, and on the host beside it."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


def inside(container: str, *command: str, given: str = "", seconds: int = 60) -> Said:
    """Run a command in the container, as its user and with its environment."""
    done = subprocess.run(
        ["docker", "exec", "-i", container, *command],
        input=given,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Said(done.returncode, done.stdout.strip(), done.stderr.strip())


def python(container: str, code: str, *, seconds: int = 60) -> Said:
    """Run Python code in the container."""
    return inside(container, "python3", "-", given=code, seconds=seconds)


def reaches(container: str, host: str, port: int, *, seconds: float = 2) -> bool:
    """Whether a TCP connection from inside the container to `host`:`port` comes about."""
    code = f"import socket; socket.create_connection(({host!r}, {port}), {seconds}).close()"
    return python(container, code).code == 0


@contextmanager
def listening(address: str = "0.0.0.0", port: int = 0) -> Iterator[int]:  # noqa: S104
    """Listen on the host and greet whoever connects; give the port."""
    with socket.create_server((address, port)) as server:
        thread = threading.Thread(target=_greet, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1]


def _greet(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"hello\n")


@contextmanager
def elsewhere(name: str, address: str, link: str) -> Iterator[int]:
    """Make another machine: a network namespace with `address` that listens on port 80.

    Args:
        name: of the namespace; its link on this side is called so too, at most 13 characters.
        address: where it is reached.
        link: a free /30, as its first three numbers and the fourth's base, e.g. `198.18.7.0`.
    """
    base, last = link.rsplit(".", 1)
    here, there = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
    outer, inner = f"{name}o", f"{name}i"
    serve = (
        f"import socket\nserver = socket.create_server(({address!r}, 80))\n"
        "while True: server.accept()[0].close()"
    )
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner)
        _run("ip", "link", "set", inner, "netns", name)
        _run("ip", "addr", "add", f"{here}/30", "dev", outer)
        _run("ip", "link", "set", outer, "up")
        _run("ip", "-n", name, "addr", "add", f"{there}/30", "dev", inner)
        _run("ip", "-n", name, "addr", "add", f"{address}/32", "dev", inner)
        _run("ip", "-n", name, "link", "set", inner, "up")
        _run("ip", "-n", name, "link", "set", "lo", "up")
        _run("ip", "-n", name, "route", "add", "default", "via", here)
        _run("ip", "route", "add", f"{address}/32", "via", there)
        server = subprocess.Popen(
            ["nsenter", f"--net=/var/run/netns/{name}", "python3", "-c", serve],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        try:
            _wait_for(address)
            yield 80
        finally:
            server.kill()
            server.wait()
    finally:
        subprocess.run(["ip", "link", "del", outer], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _wait_for(address: str) -> None:
    for _ in range(100):
        with suppress(OSError), socket.create_connection((address, 80), 0.1):
            return
        threading.Event().wait(0.05)
    raise RuntimeError(f"nobody listens at {address}")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
