"""What the hub's process costs while a hundred people wait for a GPU and look at their page."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from tests.benchmarks.figures import Figure, alone
from tests.support.card_site import CARDS, CardSite, running_with_cards
from tests.support.waiting import wait_until

PEOPLE, SECONDS, SETTLE_SECONDS = 100, 30, 10
TARGET_PERCENT = 5.0


def measure(*, say: Callable[[str], None]) -> list[Figure]:
    """Let everybody wait with an open page, and count the processor time of the hub."""
    with running_with_cards(gpus={"unopened_minutes": 0}) as site:
        idle = percent(site, SECONDS)
        ask_all(site, [f"holder{number}" for number in range(len(CARDS))])
        wait_until(lambda: pending(site) == 0, seconds=300, what="all cards are held, nobody waits")
        people = [f"waiter{number:03}" for number in range(PEOPLE)]
        ask_all(site, people)
        say(f"{PEOPLE} people wait for {len(CARDS)} cards")
        with pages(site, people) as heard:
            wait_until(lambda: len(heard) == PEOPLE, seconds=600, what="all pages hear the hub")
            time.sleep(SETTLE_SECONDS)
            busy = percent(site, SECONDS)
    say(f"without anybody: {idle:.1f} % of a core")
    return [
        alone(
            f"Hub with {PEOPLE} people in line, their pages open, of a core",
            [busy],
            unit="%",
            target=TARGET_PERCENT,
        )
    ]


def ask_all(site: CardSite, people: list[str]) -> None:
    """Let each of these ask for a whole card."""
    site.operator("POST", "/users", json={"usernames": people}).raise_for_status()
    options = {"image": "tiny", "flavour": "whole"}
    for person in people:
        site.operator("POST", f"/users/{person}/server", json=options).raise_for_status()


def pending(site: CardSite) -> int:
    users = site.operator("GET", "/users?limit=200").json()
    return sum(bool(row["servers"].get("", {}).get("pending")) for row in users)


def percent(site: CardSite, seconds: float) -> float:
    """Return how much of one core the hub's process takes."""
    pid = site.processes["hub"].pid
    began, used = time.monotonic(), processor_seconds(pid)
    time.sleep(seconds)
    return (processor_seconds(pid) - used) / (time.monotonic() - began) * 100


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def pages(site: CardSite, people: list[str]) -> Iterator[set[str]]:
    """Listen as each one's waiting page does; yield who has heard something."""
    heard: set[str] = set()
    headers = {"Authorization": f"token {site.files.secret('operator_api_token')}"}
    over = threading.Event()

    def listen(person: str) -> None:
        url = f"{site.addresses.hub_local}/hub/api/users/{person}/server/progress"
        with (
            suppress(httpx.HTTPError),
            httpx.stream("GET", url, headers=headers, timeout=600) as answer,
        ):
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    heard.add(person)
                if over.is_set():
                    return

    threads = [threading.Thread(target=listen, args=(person,), daemon=True) for person in people]
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=15)
