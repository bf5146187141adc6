"""Forking: whatever a lab's size, however long its chain and however many forks it has."""

from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.figures import Figure, against, alone
from tests.benchmarks.labs import MB, Publisher, notebook
from tests.support.site import Site

SIZES = {"mb-1": 0, "mb-100": 100 * MB, "mb-1000": 1000 * MB}
CHAIN = 12
CROWD = 1000
MEASURED = 30
KB = 1000
PARTS = 5


def measure(site: Site, *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """Fork labs of three sizes in turns, then deep and wide families."""
    writer, reader = Publisher(site, "fork-writer"), Publisher(site, "fork-reader")
    for name, size in SIZES.items():
        parts = {f"{number}.bin": size // PARTS for number in range(PARTS)} if size else {}
        taken = writer.publish(name, {"main.ipynb": notebook(MB), **parts})
        say(f"{name} published in {taken:.1f} s")
    times: dict[str, list[float]] = {name: [] for name in SIZES}
    disk: list[float] = []
    for number in range(rounds * 3):
        for name, seconds in times.items():
            before = used(site.files.labs)
            seconds.append(reader.fork("fork-writer", name, f"{name}-{number}"))
            disk.append((used(site.files.labs) - before) / KB)
    return [
        alone("Fork a lab of 1 MB, in turns", times["mb-1"]),
        against("Fork of 100 MB, against 1 MB", times["mb-100"], times["mb-1"], target=1.2),
        against("Fork of 1 GB, against 1 MB", times["mb-1000"], times["mb-1"], target=1.2),
        alone("New disk of a fork", disk, unit="kB", of=max, target=100),
        *families(site, writer, say),
    ]


def families(site: Site, writer: Publisher, say: Callable[[str], None]) -> list[Figure]:
    """Fork at the end of a chain of forks, and a lab that a thousand have forked."""
    links = [Publisher(site, f"link-{number}") for number in range(CHAIN)]
    owner, name = writer.name, "mb-1"
    for link in links:
        link.keep_fork(owner, name, "link")
        owner, name = link.name, "link"
    crowd = Publisher(site, "crowd")
    writer.publish("alone", {"main.ipynb": notebook(MB)})
    writer.publish("popular", {"main.ipynb": notebook(MB)})
    for number in range(CROWD):
        crowd.keep_fork(writer.name, "popular", f"popular-{number}")
    say(f"{CROWD} forks of one lab made")
    reader = Publisher(site, "fork-last")
    times: dict[str, list[float]] = {"alone": [], "deep": [], "popular": []}
    for number in range(MEASURED):
        times["alone"].append(reader.fork(writer.name, "alone", f"alone-{number}"))
        times["deep"].append(reader.fork(owner, name, f"deep-{number}"))
        times["popular"].append(reader.fork(writer.name, "popular", f"many-{number}"))
    return [
        against(f"Fork at depth {CHAIN}, against a lab alone", times["deep"], times["alone"],
                target=1.2),
        against(f"Fork of a lab with {CROWD} forks, against a lab alone", times["popular"],
                times["alone"], target=1.2),
    ]  # fmt: skip


def used(folder: Path) -> int:
    """Return the bytes of disk that a folder takes, in whole blocks."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))
