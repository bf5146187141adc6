"""The hub ends and comes back: people's servers, kernels and routes do not notice."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from tests.support.inside import inside
from tests.support.kernel import Kernel, kernel
from tests.support.site import Server, Site
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_kernels_keep_their_variables_and_routes_their_servers(
    site: Site, people: list[tuple[Server, Kernel]], number: int
) -> None:
    before = ids(site)
    old = site.kill("hub", number)
    for server, python3 in people:
        # While there is no hub.
        assert python3.run("print(mine)") == f"of {server.user}\n"
    wait_until(lambda: answers(site) and site.pid("hub") != old, seconds=60, what="the hub is back")
    for server, python3 in people:
        wait_until(lambda: is_ready(site, server.user), seconds=15, what="the server is known")  # noqa: B023
        assert python3.run("print(mine)") == f"of {server.user}\n"
        with server.client() as client:
            assert client.get("api/status").status_code == httpx.codes.OK
    assert ids(site) == before


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


def test_a_frozen_server_neither_delays_the_hub_nor_is_given_up(
    site: Site, people: list[tuple[Server, Kernel]]
) -> None:
    server, python3 = people[0]
    subprocess.run(["docker", "pause", server.container], check=True, capture_output=True)
    try:
        old = site.kill("hub")
        wait_until(
            lambda: answers(site) and site.pid("hub") != old, seconds=60, what="the hub is back"
        )
        seconds = wait_until(
            lambda: is_ready(site, server.user), seconds=15, what="the frozen server is known"
        )
        assert seconds < 5
    finally:
        subprocess.run(["docker", "unpause", server.container], check=True, capture_output=True)
    assert python3.run("print(mine)") == f"of {server.user}\n"


def test_a_server_that_ended_while_the_hub_was_away_is_not_running(site: Site) -> None:
    server = site.start_server("back-dan", image="base")
    old = site.kill("hub", signal.SIGSTOP)
    subprocess.run(["docker", "kill", server.container], check=True, capture_output=True)
    site.kill("hub")
    wait_until(lambda: answers(site) and site.pid("hub") != old, seconds=60, what="the hub is back")
    wait_until(lambda: not pending(site, "back-dan"), seconds=15, what="the hub looked")
    assert not is_ready(site, "back-dan")
    wait_until(
        lambda: server.container not in names(site), seconds=15, what="the dead one is removed"
    )


def names(site: Site) -> list[str]:
    label = f"label=machinelabs.site={site.place.prefix}"
    return subprocess.run(
        ["docker", "ps", "-a", "--format", "{{.Names}}", "--filter", label],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
