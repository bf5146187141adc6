"""Starts while an image comes from a slow registry, in turns with starts while none does."""

import time
from collections.abc import Callable

from tests.benchmarks.figures import Figure, against
from tests.benchmarks.starts import Starter, site_starter
from tests.support.fetched_image import HEAVY_MIB, FetchingSite, fetching_site

FETCH_SECONDS = 60
"""How long the image would take to come."""

A_TURN = 5
TURNS = 6


def measure(*, say: Callable[[str], None]) -> list[Figure]:
    """Start servers in turns of a few, with and without a fetch under way."""
    quiet: list[float] = []
    busy: list[float] = []
    with fetching_site() as fetching:
        operator = site_starter(fetching.site).operator
        person = Starter(operator, {"image": "tiny", "flavour": "cpu"})
        fetcher = Starter(operator, {"image": "broken", "flavour": "cpu"})
        for name in ("bench", "fetcher"):
            fetching.site.make_user(name)
        person.once("bench")
        for turn in range(TURNS):
            quiet += [person.once("bench") for _ in range(A_TURN)]
            busy += _while_it_comes(fetching, fetcher, person)
            say(f"fetch: turn {turn + 1} of {TURNS}")
    name = f"Start while an image of another's comes for {FETCH_SECONDS} s, against none"
    return [against(name, busy, quiet, target=1.1)]


def _while_it_comes(fetching: FetchingSite, fetcher: Starter, person: Starter) -> list[float]:
    fetching.drop()
    fetching.link.rate = HEAVY_MIB * 2**20 / FETCH_SECONDS
    before = fetching.link.passed
    with fetcher.operator() as client:
        client.post("/users/fetcher/server", json=fetcher.options).raise_for_status()
        while fetching.link.passed - before < 2**19:
            time.sleep(0.1)
        seconds = [person.once("bench") for _ in range(A_TURN)]
        if fetching.link.passed - before > (HEAVY_MIB - 1) * 2**20:
            raise RuntimeError("the image came before the starts were measured")
        fetching.link.rate = None
        while not client.get("/users/fetcher").json()["servers"][""]["ready"]:
            time.sleep(0.1)
    fetcher.stop("fetcher")
    return seconds
