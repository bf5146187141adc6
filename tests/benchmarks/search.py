"""Search and explore with 100,000 labs in the index, 1,000 of them with content.

The labs service runs as a process of its own, on SQLite and then on PostgreSQL; ten clients ask at
once, who are not signed in. What is asked for differs from request to request.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import httpx
import psutil
import yaml
from tests.benchmarks.figures import Figure, alone, median, p95
from tests.benchmarks.labs import SETTINGS
from tests.benchmarks.pages import crowd, load
from tests.benchmarks.readers import Reader
from tests.support import postgres
from tests.support.index_labs import index_many
from tests.support.many_labs import METHODS, WORDS, publish_many, tools_of
from tests.support.places import free_port

from machinelabs_hub import settings as site_settings
from machinelabs_hub.labs.models.page import Sort
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import LABS_PREFIX, Addresses, Files

INDEXED: Final = 99_000
WITH_CONTENT: Final = 1000
MEMORY_MB: Final = 300
MB: Final = 10**6

Say = Callable[[str], None]


def measure(folder: Path, *, rounds: int, say: Say) -> list[Figure]:
    """Measure on SQLite, then, where its programs are installed, on PostgreSQL."""
    figures = _on(folder / "sqlite", "", "SQLite", rounds=rounds, say=say)
    if postgres.programs() is None:
        say("PostgreSQL's programs are not installed: it is left out")
        return figures
    with postgres.running() as server:
        url = server.new_database()
        figures += _on(folder / "postgres", url, "PostgreSQL", rounds=rounds, say=say)
    return figures


def _on(folder: Path, url: str, engine: str, *, rounds: int, say: Say) -> list[Figure]:
    settings = _site(folder, url)
    began = time.perf_counter()
    tools = tools_of(settings)
    index_many(tools, INDEXED)
    labs = publish_many(tools, WITH_CONTENT)
    tools.close()
    say(f"{engine}: {INDEXED + WITH_CONTENT} labs in {time.perf_counter() - began:.0f} s")
    # Only on SQLite, which is the default, are figures promised.
    promised = not url
    with _service(settings) as process:
        base = Addresses(settings).labs_local.removesuffix(LABS_PREFIX)
        readers = crowd(base, host=Addresses(settings).labs_host)
        figures = [
            _asked(readers, paths, f"{name}, {engine}", process, rounds, target, say)
            for name, paths, target in (
                ("Search page", searches(f"{LABS_PREFIX}/"), 0.05 if promised else None),
                ("Search API", searches(f"{LABS_PREFIX}/api/v1/labs"), None),
                ("Explore", explores(), 0.05 if promised else None),
                ("Explore, narrowed", narrowed(), None),
                (
                    "Cached lab page",
                    [f"{LABS_PREFIX}/{lab.path}" for lab in labs[:100]],
                    0.05 if promised else None,
                ),
            )
        ]
        memory = process.memory_info().rss / MB
        for reader in readers:
            reader.close()
    say(f"{engine}: the service holds {memory:.0f} MB")
    target = float(MEMORY_MB) if promised else None
    figures.append(alone(f"Memory of the service, {engine}", [memory], unit="MB", target=target))
    return figures


def _asked(  # noqa: PLR0917 - one row of the table above each
    readers: list[Reader],
    paths: list[str],
    name: str,
    process: psutil.Process,
    rounds: int,
    target: float | None,
    say: Say,
) -> Figure:
    asks = [reader.read for reader in readers]
    load(asks, paths)
    before = _cpu(process)
    done = [load(asks, paths) for _ in range(rounds)]
    each = (_cpu(process) - before) / sum(map(len, done))
    # Of each round by itself: a machine that stands still for a moment spoils one, and not all.
    slow = [p95(seconds) for seconds in done]
    spread = " ".join(f"{seconds * 1000:.0f}" for seconds in slow)
    say(
        f"{name}: median {median([median(some) for some in done]) * 1000:.1f} ms, "
        f"p95 {median(slow) * 1000:.1f} ms (rounds: {spread}), "
        f"{each * 1000:.2f} ms of CPU a request"
    )
    return alone(f"{name}, 10 clients, median round's p95", slow, target=target)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def searches(base: str) -> list[str]:
    """Return addresses of 311 searches: one word, two, begun ones, rare ones."""
    dice = random.Random(3)  # noqa: S311 - the same questions each time
    asked = []
    for serial in range(311):
        thing, method = dice.choice(WORDS), dice.choice(METHODS)
        words = (thing, f"{thing} {method}", f"{method} {thing[:3]}", f"{method} {serial * 311}")
        asked.append(f"{base}?{urlencode({'q': words[serial % len(words)]})}")
    return asked


def explores() -> list[str]:
    """Return addresses of the first page in each order."""
    orders = ["", *(f"?sort={sort}" for sort in Sort if sort is not Sort.RELEVANCE)]
    return [f"{LABS_PREFIX}/{order}" for order in orders]


def narrowed() -> list[str]:
    """Return addresses of explore narrowed by one facet or two."""
    return [
        f"{LABS_PREFIX}/?{urlencode(asked)}"
        for word in (*WORDS, *METHODS)
        for asked in ({"tag": word}, {"tag": word, "language": "r", "sort": "stars"})
    ]


def _site(folder: Path, url: str) -> Settings:
    secrets = Files(folder).secrets
    secrets.mkdir(parents=True)
    for name in ("labs_api_token", "labs_seal_key", "run_ticket_key"):
        (secrets / name).write_text(f"{name}-of-a-benchmark")
    said = {
        "data": str(folder),
        "site": {"port": free_port()},
        "database": {"url": url, "durable": False},
        "limits": SETTINGS,
        "logs": {"level": "WARNING"},
    }
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(said))
    return site_settings.load(file)


@contextmanager
def _service(settings: Settings) -> Iterator[psutil.Process]:
    file = settings.data / "settings.yaml"
    command = [sys.executable, "-m", "machinelabs_hub.labs"]
    environment = os.environ | {site_settings.SETTINGS_VARIABLE: str(file)}
    running = subprocess.Popen(command, env=environment)
    try:
        health = f"{Addresses(settings).labs_local}{LABS_PREFIX}/health"
        _wait(health, running)
        yield psutil.Process(running.pid)
    finally:
        running.terminate()
        running.wait(30)


def _wait(address: str, running: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if running.poll() is not None:
            raise RuntimeError("the labs service did not start")
        try:
            if httpx.get(address, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(address)
