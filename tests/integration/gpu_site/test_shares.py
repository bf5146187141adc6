"""Two containers on one card: who takes too much is told, loses the kernel that did it, no more."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from tests.support.gpu_site import CARD_MIB, GpuSite
from tests.support.kernel import Kernel, kernel
from tests.support.loads import people_at_work
from tests.support.site import Server
from tests.support.site_rows import rows
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

SECONDS = 15
PART_MIB = CARD_MIB // 2
WITHIN = f"""
card({PART_MIB * 107 // 100}, 0)
print("begun", flush=True)
import time
for number in range(10_000):
    time.sleep(0.5)
    print("line", number, flush=True)
"""
OVER = f"""
card({PART_MIB * 112 // 100}, 60)
print("begun", flush=True)
import time
time.sleep(10_000)
"""


def told(server: Server) -> list[str]:
    """What JupyterLab shows about the share of this server."""
    with server.client() as http:
        found: list[dict[str, Any]] = http.get("machinelabs/api/notices").json()["items"]
    return [one["sentence"] for one in found if one["kind"] == "share"]


def is_told(server: Server, words: str) -> bool:
    return any(words in sentence for sentence in told(server))


@contextmanager
def kept(server: Server) -> Iterator[Kernel]:
    """Run a second kernel, which holds something that must not be lost."""
    with kernel(server) as other:
        other.run("kept = 41")
        yield other


def test_who_takes_more_is_told_and_its_kernel_ends_while_all_else_goes_on(
    gpu_site: GpuSite,
) -> None:
    greedy, modest = (
        gpu_site.start_server(person, image="base", flavour="half")
        for person in ("greedy", "modest")
    )
    devices = rows(
        gpu_site,
        "select distinct uuid from claim_devices join claims on claim_id = id "
        "where user in ('greedy', 'modest') and ended_at is null",
    )
    assert len(devices) == 1
    assert gpu_site.work is not None
    uses = partial(gpu_site.work.uses, greedy.container)
    with people_at_work() as begun, kept(greedy) as other:
        neighbour, asked = begun.tab(modest, "within", WITHIN)
        culprit, _ = begun.tab(greedy, "over", OVER)
        wait_until(uses, seconds=5, what="the use is told")
        began = time.monotonic()
        warned = partial(is_told, greedy, f"Free some within {SECONDS} seconds")
        wait_until(warned, seconds=SECONDS, what="a warning while there is time")
        heard = time.monotonic() - began
        (warning,) = told(greedy)
        assert "takes 22.4 GiB of a GPU's memory; its part is 20.0 GiB" in warning
        assert uses()
        wait_until(lambda: not uses(), seconds=SECONDS + 20, what="the kernel's end")
        ended = time.monotonic() - began
        wait_until(partial(is_told, greedy, "was stopped"), seconds=15, what="why it ended")
        (why,) = (one for one in told(greedy) if "was stopped" in one)
        assert "it took 22.4 GiB of a shared GPU's memory, and this server's part is 20.0" in why
        print(f"told after {heard:.1f} s, ended after {ended:.1f} s")
        assert ended >= SECONDS - 3
        # The server, its other kernel and the neighbour go on.
        assert other.run("print(kept + 1)") == "42\n"
        with greedy.client() as http:
            kernels = {one["id"] for one in http.get("api/kernels").json()}
        assert {other.id, culprit.kernel} <= kernels
        assert not told(modest)
        assert gpu_site.work.uses(modest.container)
        neighbour.hear(asked, "line 30\n")
    for person in ("greedy", "modest"):
        gpu_site.stop_server(person)
