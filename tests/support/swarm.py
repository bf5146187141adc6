"""A real swarm of two engines, each in a network of its own: the machine's stays as it is."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import wait_until

from machinelabs_hub.up.engine import answers

START_SECONDS = 60
MANAGER, WORKER = "10.99.0.1", "10.99.0.2"


@dataclass(frozen=True)
class Member:
    """One engine of the swarm, and the process that it is."""

    name: str
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return f"unix://{self.folder / 'engine.sock'}"

    def answers(self) -> bool:
        # Asking before there is a socket would leave an open one behind.
        return (self.folder / "engine.sock").exists() and answers(self.address)

    def run(self, *arguments: str) -> str:
        """Ask the engine as somebody at its machine does."""
        command = ["docker", "-H", self.address, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def inside(self, *command: str) -> None:
        """Run a program in the engine's network."""
        where = ["nsenter", "--net", "--target", str(self.process.pid), "--"]
        subprocess.run([*where, *command], check=True, capture_output=True)

    def end(self) -> None:
        """Let the machine break down."""
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class Swarm:
    """`manager` is a manager, `worker` is not."""

    manager: Member
    worker: Member


@contextmanager
def swarm(*, manager: tuple[str, ...], worker: tuple[str, ...], programs: Path) -> Iterator[Swarm]:
    """Run two engines with these options, joined into a swarm.

    What they run they find in `programs` first.
    """
    with ExitStack() as stack:
        first = stack.enter_context(_member("node-a", manager, programs))
        second = stack.enter_context(_member("node-b", worker, programs))
        _join(first, second)
        first.run("swarm", "init", "--advertise-addr", MANAGER, "--listen-addr", f"{MANAGER}:2377")
        token = first.run("swarm", "join-token", "-q", "worker")
        joined = ("--token", token, "--advertise-addr", WORKER, f"{MANAGER}:2377")
        second.run("swarm", "join", *joined)
        yield Swarm(first, second)


@contextmanager
def _member(name: str, options: tuple[str, ...], programs: Path) -> Iterator[Member]:
    # Not below pytest's folders: a socket's path has room for 107 letters.
    folder = Path(tempfile.mkdtemp(prefix="swarm-"))
    engine = [
        "dockerd", "--host", f"unix://{folder / 'engine.sock'}", "--iptables=false",
        "--ip-masq=false", "--data-root", str(folder / "data"), "--exec-root",
        str(folder / "exec"), "--pidfile", str(folder / "pid"), *options,
    ]  # fmt: skip
    begin = f'hostname {name} && ip link set lo up && exec "$0" "$@"'
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--net", "--uts", "--", "sh", "-c", begin, *engine],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        )
    member = Member(name, folder, process)
    try:
        wait_until(member.answers, seconds=START_SECONDS, what=f"an engine in {folder}")
        yield member
    finally:
        member.end()
        shutil.rmtree(folder)


def _join(first: Member, second: Member) -> None:
    """Lay a cable between two machines."""
    ends = [(first, f"a{os.getpid()}", MANAGER), (second, f"b{os.getpid()}", WORKER)]
    (one, left, _), (other, right, _) = ends
    cable = ["ip", "link", "add", left, "netns", str(one.process.pid), "type", "veth"]
    cable += ["peer", "name", right, "netns", str(other.process.pid)]
    subprocess.run(cable, check=True, capture_output=True)
    for member, end, address in ends:
        member.inside("ip", "addr", "add", f"{address}/24", "dev", end)
        member.inside("ip", "link", "set", end, "up")
