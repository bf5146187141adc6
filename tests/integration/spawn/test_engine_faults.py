"""The engine is away, slow, failing or hanging: unknown is not gone, and orders are kept."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from tests.support.engine_proxy import EngineProxy, Mode, engine_proxy
from tests.support.inside import inside
from tests.support.kernel import Kernel, kernel
from tests.support.site import Server, Site, running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine

FAULTS = [Mode.REFUSES, Mode.FAILS, Mode.HANGS]


@dataclass(frozen=True)
class Case:
    """A site whose engine can be switched, with one person at work."""

    site: Site
    engine: EngineProxy
    server: Server
    kernel: Kernel

    @property
    def is_ready(self) -> bool:
        return bool(self.servers().get("", {}).get("ready"))

    def servers(self, user: str = "ada") -> dict[str, dict[str, object]]:
        with contextlib.suppress(httpx.HTTPError):
            answer = self.site.operator("GET", f"/users/{user}")
            if answer.is_success:
                found: dict[str, dict[str, object]] = answer.json().get("servers", {})
                return found
        return {}

    def assert_untouched(self) -> None:
        """The person's server is known, routed and as they left it."""
        assert self.is_ready
        assert self.kernel.run("print(mine)") == "kept\n"

    def assert_gone(self, user: str, server: Server) -> None:
        """The server is stopped soon, in the engine and in the hub."""
        wait_until(
            lambda: inside(server.container, "true").code != 0 and not self.servers(user),
            seconds=45,
            what="the server is stopped",
        )

    def restart_hub(self, number: int = signal.SIGKILL) -> float:
        """End the hub; return after how many seconds the next one answers."""
        old = self.site.kill("hub", number)

        def is_back() -> bool:
            with contextlib.suppress(httpx.HTTPError, OSError, ValueError):
                return self.site.pid("hub") != old and self.site.operator("GET", "/info").is_success
            return False

        return wait_until(is_back, seconds=90, what="the hub is back")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("faults")
    with (
        engine_proxy(folder) as engine,
        running(folder / "data", engine={"socket": engine.address}) as site,
    ):
        server = site.start_server("ada", image="base")
        with kernel(server) as python3:
            python3.run("mine = 'kept'")
            yield Case(site, engine, server, python3)
            engine.switch(Mode.WELL)


@pytest.fixture(autouse=True)
def _well_afterwards(case: Case) -> Iterator[None]:
    yield
    case.engine.switch(Mode.WELL)


@pytest.mark.parametrize("mode", FAULTS)
def test_a_running_server_is_neither_stopped_nor_forgotten(case: Case, mode: Mode) -> None:
    case.engine.switch(mode)
    # To ask for a server that runs makes the hub look at it.
    answer = case.site.operator("POST", "/users/ada/server")
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "already running" in answer.json()["message"]
    case.assert_untouched()
    case.engine.switch(Mode.WELL)
    case.assert_untouched()


@pytest.mark.parametrize("mode", FAULTS)
def test_a_hub_that_starts_meanwhile_forgets_neither_servers_nor_orders(
    case: Case, mode: Mode
) -> None:
    leaving = case.site.start_server("gil", image="base")
    case.engine.switch(mode)
    case.site.operator("DELETE", "/users/gil/server")
    case.restart_hub()
    wait_until(lambda: case.is_ready, seconds=20, what="the server is known")
    case.assert_untouched()
    assert inside(leaving.container, "true").code == 0
    case.engine.switch(Mode.WELL)
    case.assert_gone("gil", leaving)
    case.site.operator("POST", "/users/ada/server")
    case.assert_untouched()


def test_a_slow_engine_only_takes_longer(case: Case) -> None:
    case.site.make_user("slow")
    case.engine.switch(Mode.SLOW)
    began = time.monotonic()
    server = case.site.start_server("slow", image="base")
    assert time.monotonic() - began > case.engine.delay
    assert inside(server.container, "id", "-u").out == "1000"
    case.site.stop_server("slow")
    case.assert_untouched()


@pytest.mark.parametrize("mode", FAULTS)
def test_an_order_to_stop_is_carried_out_when_the_engine_is_back(case: Case, mode: Mode) -> None:
    server = case.site.start_server("bob", image="base")
    case.engine.switch(mode)
    case.site.operator("DELETE", "/users/bob/server")
    with server.client() as client:
        assert client.get("api/status").status_code != httpx.codes.OK, "the route goes at once"
    assert inside(server.container, "true").code == 0, "the container is not reached yet"
    assert case.servers("bob")[""]["pending"] == "stop"
    case.engine.switch(Mode.WELL)
    case.assert_gone("bob", server)


def test_an_order_to_stop_outlives_a_hub_that_ends_in_order(case: Case) -> None:
    server = case.site.start_server("eve", image="base")
    case.engine.switch(Mode.REFUSES)
    case.site.operator("DELETE", "/users/eve/server")
    case.restart_hub(signal.SIGTERM)
    assert inside(server.container, "true").code == 0
    case.engine.switch(Mode.WELL)
    case.assert_gone("eve", server)
    case.site.start_server("eve", image="base")
    case.site.stop_server("eve")


def test_a_start_without_an_engine_fails_with_a_sentence_and_works_afterwards(case: Case) -> None:
    client = case.site.sign_in("dan")
    case.engine.switch(Mode.REFUSES)
    case.site.operator("POST", "/users/dan/server", json={"image": "base"})
    wait_until(
        lambda: not case.servers("dan").get("", {}).get("pending"),
        seconds=40,
        what="the start fails",
    )
    page = client.get("/hub/spawn-pending/dan")
    assert "The container engine does not answer." in page.text
    assert "Traceback" not in page.text
    case.engine.switch(Mode.WELL)
    case.site.start_server("dan", image="base")
    case.site.stop_server("dan")


def test_servers_that_ended_while_the_engine_was_away_are_noticed_afterwards(case: Case) -> None:
    server = case.site.start_server("fay", image="base")
    case.engine.switch(Mode.REFUSES)
    subprocess.run(["docker", "kill", server.container], check=True, capture_output=True)
    case.site.operator("POST", "/users/fay/server")
    assert case.servers("fay")[""]["ready"]
    case.engine.switch(Mode.WELL)
    wait_until(lambda: not case.servers("fay"), seconds=40, what="its end is noticed")
