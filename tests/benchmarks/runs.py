"""Runs against papermill in `docker run`: one, many on two slots; and a live log with watchers."""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from tests.benchmarks import papermill
from tests.benchmarks.figures import Figure, against, alone, p95
from tests.support.content import cell, notebook
from tests.support.site import Site
from tests.support.site_labs import TLS, publish
from tests.support.site_runs import SiteRun, again

from machinelabs_hub.catalog.load import load
from machinelabs_hub.sites import catalog_file

PERSON = "runner"
SLOTS = 2
"""What the plan of everybody has."""

MANY = 50
RATE, SECONDS = 1000, 60
WATCHERS = 20
WORK = notebook(
    [
        cell("code", "import json, statistics\nvalues = [n * n for n in range(1000)]", "c0"),
        cell("code", "for n in range(20):\n    print(n, values[n])", "c1"),
        cell("code", "statistics.mean(values)", "c2"),
    ]
)
PRINTS = f"""
import time
began = time.monotonic()
for line in range({RATE * SECONDS}):
    print(line, "x" * 60, flush=True)
    wait = began + line / {RATE} - time.monotonic()
    if wait > 0:
        time.sleep(wait)
""".encode()


def measure(site: Site, folder: Path, *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """Measure ours and the peer's in turns; the first round warms up and is thrown away."""
    settings = site.settings
    catalog = load(catalog_file(settings), site.files.builds)
    flavour = catalog.flavour(settings.servers.default_flavour)
    image = catalog.builds["base"].tag
    tag = papermill.build(settings, image)
    peer = papermill.Papermill(folder / "papermill", WORK, tag=tag, flavour=flavour)
    ours = Orders(site)
    singles, peers = [], []
    for number in range(rounds + 1):
        mine, theirs = ours.once(), peer.once()
        say(f"run {mine:.2f}  papermill {theirs:.2f}")
        if number:
            singles.append(mine)
            peers.append(theirs)
    many = min(MANY, 10 * rounds)
    manies: list[tuple[float, float]] = []
    for _ in range(max(rounds // 3, 1)):
        manies.append((ours.many(many), peer.many(many, slots=SLOTS)))
        say("{} runs {:.1f}  papermill {:.1f}".format(many, *manies[-1]))
    over = [mine - theirs for mine, theirs in zip(singles, peers, strict=True)]
    return [
        against("Run of a short notebook, against docker run of papermill", singles, peers),
        alone("Run of a short notebook, beyond docker run of papermill", over, target=1.5),
        against(f"{many} short runs on {SLOTS} slots, against a loop of docker run of papermill",
                *map(list, zip(*manies, strict=True)), target=1.0),
        *watched(site, say=say),
    ]  # fmt: skip


class Orders:
    """One person who orders runs of one lab, and waits for them as a program does."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._token = site.token(PERSON)
        self._lab = f"{PERSON}/short"
        publish(site, self._token, "short", {"main.ipynb": WORK}, visibility="public")

    def order(self) -> SiteRun:
        return again(self._site, PERSON, self._token, self._lab, image="base")

    def once(self) -> float:
        """Return the seconds from the order until its end is told."""
        began = time.perf_counter()
        run = self.order()
        self._end(run)
        seconds = time.perf_counter() - began
        run.settled()
        return seconds

    def many(self, count: int) -> float:
        """Return the seconds from the first order until all ended and nothing is left of them."""
        began = time.perf_counter()
        runs = [self.order() for _ in range(count)]
        for run in runs:
            self._end(run)
        runs[-1].settled()
        return time.perf_counter() - began

    def _end(self, run: SiteRun) -> None:
        for name, _ in events(api_address(run), run.token):
            if name == "end":
                break
        if run.state != "finished":
            raise RuntimeError(f"the run ended as {run.state}: {run.reason}")


# ---- the live log


@dataclass
class Watcher:
    """One who watches a run to its end."""

    run: SiteRun
    address: str
    token: str = ""
    lines: int = 0
    messages: int = 0
    rows: int = 0
    """Rows of the page that were new or changed."""
    late: list[float] = field(default_factory=list)
    """For each event of the log, the seconds from its print to here."""

    @property
    def saw_all(self) -> bool:
        """Whether it has every line; a page may leave lines out that go by too fast for it."""
        return self.lines == RATE * SECONDS if self.token else self.rows > 0

    def watch(self) -> "Watcher":
        """Watch to the end.

        Raises:
            RuntimeError: the stream ended before the run did.
        """
        for name, data in events(self.address, self.token):
            self.messages += 1
            if name == "rows":
                self.rows += len(json.loads(data))
            if name == "message" and '"stdout"' in data:
                event = json.loads(data)
                self.lines += event["text"].count("\n")
                told = datetime.now(UTC) - datetime.fromisoformat(event["at"])
                self.late.append(told.total_seconds())
            if name == "end":
                return self
        raise RuntimeError(f"{self.address} ended before the run, after {self.messages} messages")


def watched(site: Site, *, say: Callable[[str], None]) -> list[Figure]:
    """Let half of the watchers have the page's stream and half the API's."""
    token = site.token(PERSON)
    publish(site, token, "prints", {"main.py": PRINTS}, visibility="public")
    run = again(site, PERSON, token, f"{PERSON}/prints", image="base")
    page = f"{site.labs_url}/{run.lab}/runs/{run.number}/live"
    watchers = [
        Watcher(run, api_address(run), token) if number % 2 else Watcher(run, page)
        for number in range(WATCHERS)
    ]
    with ThreadPoolExecutor(WATCHERS) as threads:
        watching = [threads.submit(one.watch) for one in watchers]
        run.wait_to_say("0 x")
        with load_of(site.pid("labs")) as load_:
            # Whoever fails is heard of at once, and not as one who saw nothing.
            wait(watching, timeout=SECONDS - 5, return_when=FIRST_EXCEPTION)
            for one in watching:
                if one.done():
                    one.result()
        for one in watching:
            one.result(timeout=120)
    state = run.wait_for(seconds=60)
    seen = [one.lines for one in watchers if one.token]
    say(f"{state}; lines seen {sorted(seen)}; rows of pages "
        f"{sorted(one.rows for one in watchers if not one.token)}")  # fmt: skip
    if state != "finished" or not all(one.saw_all for one in watchers):
        raise RuntimeError(f"watchers missed lines: {seen}, the run is {state}")
    late = [seconds for one in watchers for seconds in one.late]
    what = f"Live log of {RATE} lines/s with {WATCHERS} watchers"
    return [
        alone(f"{what}: cores of the labs service", [load_.cores], unit="cores", target=1),
        alone(f"{what}: memory of the labs service", [load_.memory_mb], unit="MB", target=300),
        alone(f"{what}: 95 of 100 are shown after", late, of=p95, target=0.3),
    ]


@dataclass
class Load:
    """What a process used."""

    cores: float = 0.0
    memory_mb: float = 0.0
    """The most that it held."""


@contextmanager
def load_of(pid: int) -> Iterator[Load]:
    """Measure a process for the block."""
    load_ = Load()
    # The kernel forgets the most that it has seen.
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    before, began = _cpu_seconds(pid), time.monotonic()
    yield load_
    load_.cores = (_cpu_seconds(pid) - before) / (time.monotonic() - began)
    rows = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    load_.memory_mb = next(int(row.split()[1]) for row in rows if row.startswith("VmHWM")) / 1000


def _cpu_seconds(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


# ---- streams of events


def api_address(run: SiteRun) -> str:
    labs = f"{run.site.addresses.labs_local}/services/labs"
    return f"{labs}/api/v1/labs/{run.lab}/runs/{run.number}/events"


def events(address: str, token: str) -> Iterator[tuple[str, str]]:
    """Yield name and data of what a stream of events tells."""
    headers = {"Accept": "text/event-stream"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with (
        httpx.Client(timeout=60, trust_env=False, headers=headers, verify=TLS) as client,
        client.stream("GET", address) as answer,
    ):
        answer.raise_for_status()
        name = "message"
        for line in answer.iter_lines():
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                yield name, line[5:]
                name = "message"
