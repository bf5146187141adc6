"""Nine ways to hold a card, in real containers: who works keeps it, who does not gives it back."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from tests.support.gpu_site import GpuSite
from tests.support.loads import Begun, people_at_work
from tests.support.site import Server
from tests.support.site_rows import claim_of
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

LIMIT, SLACK = timedelta(minutes=1), timedelta(seconds=60)

BUSY: dict[str, Callable[[Begun, Server], None]] = {
    "training": Begun.training_with_pauses,
    "loading": Begun.data_loading,
    "long-cell": Begun.long_cell,
    "terminal": Begun.terminal_job,
    "laptop": Begun.closed_laptop,
    "download": Begun.download,
}
IDLE: dict[str, Callable[[Begun, Server], None]] = {
    "forgotten": Begun.forgotten_notebook,
    "debugger": Begun.paused_debugger,
    "unused": Begun.never_used,
}


def ended(site: GpuSite, person: str) -> datetime | None:
    return claim_of(site, person)[1]


def test_who_works_keeps_the_card_and_who_idles_gives_it_back_in_time(gpu_site: GpuSite) -> None:
    began: dict[str, datetime] = {}

    def begin(begun: Begun, person: str, load: Callable[[Begun, Server], None]) -> None:
        server = gpu_site.start_server(person, image="base", flavour="whole")
        load(begun, server)
        began[person] = datetime.now(UTC)

    with people_at_work() as begun:
        with ThreadPoolExecutor(4) as threads:
            people = {**BUSY, **IDLE}
            done = [threads.submit(begin, begun, name, load) for name, load in people.items()]
            for one in done:
                one.result()
        watched_from = max(began.values())
        work = gpu_site.work
        assert work is not None
        for person in ("training", "loading", "long-cell", "laptop", "forgotten", "debugger"):
            uses = partial(work.uses, gpu_site.container_name(person))
            wait_until(uses, seconds=20, what=f"{person} is on its card")
        until = (LIMIT + SLACK + timedelta(seconds=10)).total_seconds()
        for person in IDLE:
            is_back = partial(ended, gpu_site, person)
            wait_until(is_back, seconds=until, what=f"the card of {person} is back")
        time.sleep(max(0, (watched_from + LIMIT + SLACK - datetime.now(UTC)).total_seconds()))
        running = gpu_site.cards.run("container", "ls", "--format", "{{.Names}}").split()
        held = {person: claim_of(gpu_site, person) for person in people}
    took = {name: at - began[name] for name in IDLE if (at := held[name][1])}
    print({name: f"{span.total_seconds():.0f} s" for name, span in took.items()})
    assert {name: held[name] for name in BUSY} == dict.fromkeys(BUSY, ("", None))
    assert {name: held[name][0] for name in IDLE} == dict.fromkeys(IDLE, "idle")
    assert all(LIMIT - timedelta(seconds=5) <= span <= LIMIT + SLACK for span in took.values())
    assert sorted(running) == sorted(gpu_site.container_name(name) for name in BUSY)
    for person in BUSY:
        gpu_site.operator("DELETE", f"/users/{person}/server")
