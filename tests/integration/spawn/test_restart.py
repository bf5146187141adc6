"""The hub ends and comes back: people's servers, kernels and routes do not notice."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from functools import partial

import httpx
import pytest
from tests.support.inside import inside
from tests.support.kernel import Kernel, kernel
from tests.support.site import Server, Site
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine

SLACK = 5.0
"""Seconds by which two starts of the hub may differ."""


@pytest.fixture(scope="module")
def people(site: Site) -> Iterator[list[tuple[Server, Kernel]]]:
    """Two people at work, each with a variable in a kernel."""
    with contextlib.ExitStack() as stack:
        found = []
        for name in ("back-ada", "back-bob"):
            server = site.start_server(name, image="base")
            stack.callback(site.stop_server, name)
            python3 = stack.enter_context(kernel(server))
            python3.run(f"mine = 'of {name}'")
            found.append((server, python3))
        yield found


def answers(site: Site) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return site.operator("GET", "/info").status_code == httpx.codes.OK
    return False


def is_ready(site: Site, user: str, name: str = "") -> bool:
    with contextlib.suppress(httpx.HTTPError):
        servers = site.operator("GET", f"/users/{user}").json().get("servers", {})
        return bool(servers.get(name, {}).get("ready"))
    return False


def ids(site: Site) -> list[str]:
    label = f"label=machinelabs.site={site.place.prefix}"
    done = subprocess.run(
        ["docker", "ps", "-aq", "--no-trunc", "--filter", label],
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(done.stdout.split())


def restart(site: Site, number: int) -> float:
    """End the hub and wait until the next one answers; return the seconds."""
    old = site.kill("hub", number)
    return wait_until(
        lambda: answers(site) and site.pid("hub") != old, seconds=90, what="the hub is back"
    )


def assert_at_work(site: Site, people: list[tuple[Server, Kernel]]) -> None:
    for server, python3 in people:
        wait_until(partial(is_ready, site, server.user), seconds=15, what=f"{server.user} is known")
        assert python3.run("print(mine)") == f"of {server.user}\n"
        with server.client() as client:
            assert client.get("api/status").status_code == httpx.codes.OK


def test_a_hub_that_ends_in_order_leaves_everybody_at_work(
    site: Site, people: list[tuple[Server, Kernel]]
) -> None:
    before = ids(site)
    restart(site, signal.SIGTERM)
    assert_at_work(site, people)
    assert ids(site) == before


def test_a_frozen_server_does_not_delay_the_hubs_start(site: Site) -> None:
    frozen = site.start_server("back-ice", image="base")
    without = restart(site, signal.SIGKILL)
    subprocess.run(["docker", "pause", frozen.container], check=True, capture_output=True)
    try:
        delayed = restart(site, signal.SIGKILL)
        wait_until(partial(is_ready, site, "back-ice"), seconds=5, what="it is known")
    finally:
        subprocess.run(["docker", "unpause", frozen.container], check=True, capture_output=True)
    print(f"the hub is back after {without:.1f} s, with a frozen server after {delayed:.1f} s")
    # Whoever waits for its answer does so for half a minute.
    assert delayed < without + SLACK
    with frozen.client() as client:
        assert client.get("api/status").status_code == httpx.codes.OK
    site.stop_server("back-ice")


def test_a_hub_that_is_killed_leaves_everybody_at_work(
    site: Site, people: list[tuple[Server, Kernel]]
) -> None:
    frozen = site.start_server("back-fay", image="base")
    ended = site.start_server("back-dan", image="base")
    before = ids(site)
    old = site.kill("hub")
    subprocess.run(["docker", "kill", ended.container], check=True, capture_output=True)
    subprocess.run(["docker", "pause", frozen.container], check=True, capture_output=True)
    for server, python3 in people:
        # While there is no hub.
        assert python3.run("print(mine)") == f"of {server.user}\n"
    wait_until(lambda: answers(site) and site.pid("hub") != old, seconds=90, what="the hub is back")
    # A frozen server is not given up.
    wait_until(lambda: is_ready(site, "back-fay"), seconds=5, what="the frozen server is known")
    subprocess.run(["docker", "unpause", frozen.container], check=True, capture_output=True)
    with frozen.client() as client:
        assert client.get("api/status").status_code == httpx.codes.OK
    assert_at_work(site, people)
    # Who ended while the hub was away is not running, and leaves no dead container.
    assert not is_ready(site, "back-dan")
    wait_until(lambda: len(ids(site)) == len(before) - 1, seconds=15, what="the dead one is gone")
    site.stop_server("back-fay")


def test_the_hub_ends_in_the_midst_of_a_start_and_nothing_is_orphaned(site: Site) -> None:
    site.make_user("back-eve")
    before = ids(site)
    site.operator("POST", "/users/back-eve/server", json={"image": "base"})
    wait_until(lambda: ids(site) != before, seconds=20, what="the container is made")
    old = site.kill("hub")
    wait_until(lambda: answers(site) and site.pid("hub") != old, seconds=60, what="the hub is back")
    wait_until(lambda: not pending(site, "back-eve"), seconds=30, what="the start is decided")
    if is_ready(site, "back-eve"):
        # It was taken over: it answers at its address.
        token = site.token("back-eve")
        url = f"{site.server_url('back-eve')}api/status"
        wait_until(lambda: httpx.get(url, headers={"Authorization": f"token {token}"}).is_success,
                   seconds=20, what="the server answers")  # fmt: skip
        site.stop_server("back-eve")
    else:
        wait_until(lambda: ids(site) == before, seconds=30, what="the container is removed")
    again = site.start_server("back-eve", image="base")
    assert inside(again.container, "id", "-u").out == "1000"
    site.stop_server("back-eve")
    assert ids(site) == before


def pending(site: Site, user: str) -> bool:
    answer = site.operator("GET", f"/users/{user}").json()
    return bool(answer.get("servers", {}).get("", {}).get("pending"))
