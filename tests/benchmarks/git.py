"""Cloning a lab of 300 MB with git, against a clone from the same repository on the same disk."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.figures import Figure, against, alone
from tests.benchmarks.labs import MB, Publisher
from tests.support.site import Site

from machinelabs_hub.labs.storage import gitprocess

LARGE = {"a.bin": 150 * MB, "b.bin": 150 * MB}


def measure(site: Site, *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """Clone once so that the export is there, then in turns over HTTP and from the disk."""
    Publisher(site, "cloned").publish("large", LARGE)
    url = f"{site.labs_url}/cloned/large.git"
    folder = site.data / "clones"
    folder.mkdir()
    say(f"the first clone took {clone(url, folder / 'first'):.1f} s")
    (export,) = (site.files.labs / "exports").glob("*/from-1.git")
    ours: list[float] = []
    local: list[float] = []
    with watched(site.pid("labs")) as grown:
        for number in range(rounds + 1):
            http = clone(url, folder / "http")
            disk = clone(str(export), folder / "disk", "--no-local")
            if number:
                ours.append(http)
                local.append(disk)
    return [
        against("Clone a lab of 300 MB, against `--no-local`", ours, local, target=1.5),
        alone("Memory of the labs service meanwhile", [max(grown)], unit="MiB", target=300),
    ]


def clone(source: str, into: Path, *words: str) -> float:
    """Clone into a folder that is removed again; return the seconds."""
    line = ["git", "clone", "--quiet", *words, source, str(into)]
    began = time.perf_counter()
    subprocess.run(line, check=True, env=gitprocess.ENVIRONMENT, timeout=600)
    seconds = time.perf_counter() - began
    shutil.rmtree(into)
    return seconds


@contextmanager
def watched(pid: int) -> Iterator[list[float]]:
    """Note the memory of a process ten times a second, in MiB."""
    found = [resident_mib(pid)]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            found.append(resident_mib(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def resident_mib(pid: int) -> float:
    """Return how much memory a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
