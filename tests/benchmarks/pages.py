"""How long pages take with ten people asking at once."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
from tests.benchmarks.figures import Figure, against, alone, p95
from tests.benchmarks.readers import Reader
from tests.benchmarks.stock import Stock
from tests.support.site import Site

CLIENTS = 10
EACH = 30

Ask = Callable[[str], object]


def load(asks: Sequence[Ask], paths: list[str]) -> list[float]:
    """Let all ask at once, `EACH` times one after the other; return all seconds."""

    def ask(number: int) -> list[float]:
        seconds = []
        for turn in range(EACH):
            began = time.perf_counter()
            asks[number](paths[(number + turn * CLIENTS) % len(paths)])
            seconds.append(time.perf_counter() - began)
        return seconds

    with ThreadPoolExecutor(len(asks)) as threads:
        return [one for some in threads.map(ask, range(len(asks))) for one in some]


def crowd(url: str, *, host: str = "") -> list[Reader]:
    """Return as many readers as ask at once."""
    return [Reader(url, host=host) for _ in range(CLIENTS)]


def home(site: Site, stock: Stock, *, rounds: int, say: Callable[[str], None]) -> Figure:
    """Compare the hub's home page, in turns."""
    people = [f"reader-{number}" for number in range(CLIENTS)]
    # Clients that reach each other's cookies would share a session: one client a person.
    crowds = {
        "ours": [site.sign_in(name) for name in people],
        "stock": [stock.sign_in(name) for name in people],
    }
    seconds: dict[str, list[float]] = {name: [] for name in crowds}
    for number in range(rounds + 1):
        for name, clients in crowds.items():
            found = load([_asked_by(client) for client in clients], ["/hub/home"])
            if number:
                seconds[name] += found
    for clients in crowds.values():
        for client in clients:
            client.close()
    say(f"home p95: ours {p95(seconds['ours']):.3f}, stock {p95(seconds['stock']):.3f}")
    return against(
        "Hub's home page, 10 clients, p95", seconds["ours"], seconds["stock"], of=p95, target=1.1
    )


def lab(site: Site, paths: list[str], *, rounds: int, say: Callable[[str], None]) -> Figure:
    """Time lab pages that were read before, by people who are not signed in."""
    readers = crowd(site.labs_url)
    asks = [reader.read for reader in readers]
    # The address of the labs has a path of its own, which a kept connection does not know.
    paths = [urlsplit(site.labs_url).path.rstrip("/") + path for path in paths]
    load(asks, paths)
    seconds = [one for _ in range(rounds) for one in load(asks, paths)]
    for reader in readers:
        reader.close()
    say(f"lab page p95: {p95(seconds):.3f}")
    return alone("Cached lab page, 10 clients, 1,000 labs, p95", seconds, of=p95, target=0.05)


def _asked_by(client: httpx.Client) -> Ask:
    return lambda path: client.get(path).raise_for_status()
