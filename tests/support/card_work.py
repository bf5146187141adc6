"""What processes in containers do on cards that are not there: they say it, the library tells it.

A process calls `card(memory_mib, sm)` of `CARD`, which writes it into a file of its container. Who
watches here numbers the processes as this machine does and tells the stand-in of NVIDIA's library
of them. A process that ends holds nothing any more, as on a card.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
from tests.support.card_engine import CardEngine
from tests.support.fake_nvml import FakeNvml, FakeProcess

LOOK_SECONDS = 0.5

CARD = """
import os

def card(memory_mib=0, sm=0):
    path = f"/tmp/card-{os.getpid()}"
    with open(f"{path}.new", "w") as file:
        file.write(f"{memory_mib} {sm}")
    os.replace(f"{path}.new", path)
"""
"""Code that comes before what a cell does on its card."""


class CardWork:
    """Tells the library what runs. `uses` says so of one container."""

    def __init__(self, engine: CardEngine, nvml: FakeNvml) -> None:
        self._client = engine.client()
        self._nvml = nvml
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._uuids: dict[str, tuple[int, str]] = {}
        self._now: dict[str, list[FakeProcess]] = {}

    def uses(self, container: str) -> list[FakeProcess]:
        """Return what the container's processes hold of its card now; `container` is its name."""
        return self._now.get(container, [])

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._ends.wait(LOOK_SECONDS):
            # A container that goes while it is looked at is seen at the next turn.
            with suppress(docker.errors.APIError):
                self._look()

    def _look(self) -> None:
        found: dict[str, list[FakeProcess]] = {}
        by_card: dict[str, list[FakeProcess]] = {}
        for row in self._client.containers():
            name = row["Names"][0].removeprefix("/")
            pid, uuid = self._of(row["Id"])
            if pid and uuid:
                found[name] = list(_processes(pid))
                by_card.setdefault(uuid, []).extend(found[name])
        self._now = found
        for card in self._nvml.cards:
            card.processes = by_card.get(card.uuid, [])
            card.used_mib = sum(process.memory_mib for process in card.processes)
            card.sm = min(100, sum(process.sm for process in card.processes))
        self._nvml.tell()

    def _of(self, container: str) -> tuple[int, str]:
        """Return the first process and the card of a container."""
        if container not in self._uuids:
            found = self._client.inspect_container(container)
            requests = found["HostConfig"]["DeviceRequests"] or [{"DeviceIDs": [""]}]
            self._uuids[container] = found["State"]["Pid"], requests[0]["DeviceIDs"][0]
        return self._uuids[container]


def _processes(first: int) -> Iterator[FakeProcess]:
    """Yield what the processes of a container say, by the numbers of this machine."""
    space = _space(first)
    for path in Path(f"/proc/{first}/root/tmp").glob("card-*"):
        inside = path.name.removeprefix("card-")
        outside = _outside(space, inside) if inside.isdigit() else 0
        with suppress(OSError):
            memory, sm = path.read_text("ascii").split()
            if outside:
                yield FakeProcess(outside, memory_mib=int(memory), sm=int(sm))


def _outside(space: str, inside: str) -> int:
    """Return this machine's number of process `inside` of a namespace; 0: it has ended."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _space(int(entry.name)) == space:
            with suppress(OSError):
                status = (entry / "status").read_text("utf-8")
                if re.search(rf"^NSpid:.*\t{inside}$", status, re.MULTILINE):
                    return int(entry.name)
    return 0


def _space(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


@contextmanager
def card_work(engine: CardEngine, nvml: FakeNvml) -> Iterator[CardWork]:
    """Tell the library what runs until the block ends."""
    work = CardWork(engine, nvml)
    work.begin()
    try:
        yield work
    finally:
        work.end()
