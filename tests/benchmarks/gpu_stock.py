"""Forty people ask for a whole GPU of four: how many hold one at once, here and on a stock hub."""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.benchmarks import stock
from tests.benchmarks.figures import Figure
from tests.benchmarks.gpu_waiting import ask_all
from tests.support.card_engine import CardEngine, card_engine
from tests.support.card_site import CARDS, leave_no_container, running_with_cards

from machinelabs_hub.catalog.model import Flavour

PEOPLE = 40
CALM_SECONDS, MOST_SECONDS = 20, 300
FLAVOUR = Flavour(name="whole", title="Whole", cpu=0.5, memory_mib=256, shm_mib=16)
DEVICE = "NVIDIA_VISIBLE_DEVICES="


def measure(*, say: Callable[[str], None]) -> list[Figure]:
    """Let everybody ask, wait until nothing changes, and look into the containers."""
    with running_with_cards(gpus={"unopened_minutes": 0}) as site:
        ask_all(site, [f"p{number:02}" for number in range(PEOPLE)])
        ours = calm(site.cards)
    with tempfile.TemporaryDirectory(prefix="stock-") as made, card_engine(Path(made)) as engine:
        folder = Path(made) / "hub"
        folder.mkdir()
        with (
            on(engine.address),
            stock.running(
                folder, images={"same": "test/tiny:1"}, flavour=FLAVOUR, has_gpu=True
            ) as hub,
            hub.operator() as operator,
        ):
            for number in range(PEOPLE):
                ask_stock(operator, f"p{number:02}")
            theirs = calm(engine)
        leave_no_container(engine)
    say(f"here, servers by device: {dict(ours)}")
    say(f"stock, servers by device: {dict(theirs)}")
    return [
        Figure(
            name=f"Servers on the most booked of {len(CARDS)} GPUs, {PEOPLE} people asked",
            value=max(ours.values()),
            unit="servers",
            samples=PEOPLE,
            peer=max(theirs.values()),
            target=1,
        )
    ]


def ask_stock(operator: httpx.Client, person: str) -> None:
    operator.post(f"/users/{person}").raise_for_status()
    operator.post(f"/users/{person}/server", json={"image": "same"}).raise_for_status()


def calm(engine: CardEngine) -> Counter[str]:
    """Wait until no more servers come; return how many there are by the devices that they see."""
    found, since, until = booked(engine), time.monotonic(), time.monotonic() + MOST_SECONDS
    while time.monotonic() < until and (not found or time.monotonic() - since < CALM_SECONDS):
        time.sleep(1)
        again = booked(engine)
        if again != found:
            found, since = again, time.monotonic()
    return found


def booked(engine: CardEngine) -> Counter[str]:
    """Return how many running servers there are by the devices that the engine gave them."""
    with engine.client() as client:
        rows = [client.inspect_container(row["Id"]) for row in client.containers()]
    return Counter(devices_of(row["State"]["Pid"]) for row in rows if row["State"]["Pid"])


def devices_of(pid: int) -> str:
    """Return what NVIDIA's hook would hand to a process: what the engine told its container."""
    try:
        inside = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    # The engine's word comes last, after what the image asked for.
    told = [entry.removeprefix(DEVICE) for entry in inside if entry.startswith(DEVICE)]
    return told[-1] if told else "none"


@contextmanager
def on(address: str) -> Iterator[None]:
    """Let docker's programs and libraries use this engine."""
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = address
    try:
        yield
    finally:
        if before is None:
            del os.environ["DOCKER_HOST"]
        else:
            os.environ["DOCKER_HOST"] = before
