"""Many runs ordered at once on a real site: each has its turn, and every byte of it is kept."""

import os
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.site import Site
from tests.support.site_runs import FINAL, SiteRun, again, most_at_once, start
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.engine]

SLOTS = 2
"""What the plan of everybody has."""

WORK = """
import random, sys
chance = random.Random({seed})
for _ in range({pieces}):
    text = "".join(chance.choices("abcä€😀 \\t\\r\\n", k=chance.randrange(1, 400)))
    sys.stdout.write(text)
    if chance.random() < 0.3:
        sys.stdout.flush()
"""


def printed(seed: int, pieces: int) -> str:
    """What the program of that seed prints."""
    chance = random.Random(seed)  # noqa: S311 - as the program does
    said = ""
    for _ in range(pieces):
        said += "".join(chance.choices("abcä€😀 \t\r\n", k=chance.randrange(1, 400)))
        chance.random()
    return said


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(20, marks=pytest.mark.timeout(400)),
        pytest.param(
            200,
            marks=[
                pytest.mark.proof,
                pytest.mark.timeout(3600),
                pytest.mark.skipif(
                    not os.environ.get("MACHINELABS_PROOF"), reason="make proof runs it in full"
                ),
            ],
        ),
    ],
)
def test_all_that_wait_run_in_their_order_and_lose_nothing(site: Site, count: int) -> None:
    person = f"line-{count}"
    kinds = 4
    labs = [
        start(
            site,
            person,
            f"seed-{seed}",
            {"main.py": WORK.format(seed=seed, pieces=50 * (seed + 1)).encode()},
            image="base",
        )
        for seed in range(kinds)
    ]
    runs = labs + [
        again(site, person, labs[at % kinds].token, labs[at % kinds].lab, image="base")
        for at in range(kinds, count)
    ]
    assert [run.id for run in runs] == sorted(run.id for run in runs)
    most = 0
    """Containers at once, those that are removed too."""

    def all_ended() -> bool:
        nonlocal most
        servers = site.operator("GET", f"/users/{person}").json()["servers"]
        most = max(most, len(servers))
        return all(run.state in FINAL for run in runs[-1:]) and all(
            run.state in FINAL for run in runs
        )

    wait_until(all_ended, seconds=18 * count, what="all runs ended")
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda run: run.get().json(), runs))
    assert [one["state"] for one in told] == ["finished"] * count, [one["reason"] for one in told]
    started = [one["started_at"] for one in told]
    assert started == sorted(started), "the oldest has the first turn"
    assert most_at_once(told) == SLOTS
    assert most <= 2 * SLOTS, "a container that is removed gives its place away, and no more"
    for at, run in enumerate(runs):
        seed = at % kinds
        assert_bytes(run, printed(seed, 50 * (seed + 1)))
    for run in runs:
        run.settled()


def assert_bytes(run: SiteRun, text: str) -> None:
    """Its events and its log have what was printed, to the byte."""
    assert run.said() == text
    assert run.get("/log").content.decode() == text
