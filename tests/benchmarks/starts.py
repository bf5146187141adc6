"""Start request to ready: a site, the stock hub on two images, and a bare `docker run`."""

import json
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_network

import httpx
from tests.benchmarks.figures import Figure, against
from tests.benchmarks.stock import Stock, docker
from tests.support.site import Site

from machinelabs_hub.catalog.model import Flavour

TOGETHER = 5
PERSON = "bench-{}"


@dataclass(frozen=True, slots=True)
class Starter:
    """One way to start servers for people, through a hub's API."""

    operator: Callable[[], httpx.Client]
    options: dict[str, str]

    def start(self, user: str) -> float:
        """Return the seconds from the request until the hub says that the server is ready."""
        with self.operator() as client:
            began = time.perf_counter()
            answer = client.post(f"/users/{user}/server", json=self.options)
            answer.raise_for_status()
            if answer.status_code == httpx.codes.ACCEPTED:
                self._wait(client, user)
            return time.perf_counter() - began

    def _wait(self, client: httpx.Client, user: str) -> None:
        with client.stream("GET", f"/users/{user}/server/progress") as events:
            for line in events.iter_lines():
                event = json.loads(line[5:]) if line.startswith("data:") else {}
                if event.get("ready"):
                    return
                if event.get("failed"):
                    raise RuntimeError(event.get("message", "the start failed"))
        raise RuntimeError("the hub's progress ended before the server was ready")

    def stop(self, user: str) -> None:
        with self.operator() as client:
            client.delete(f"/users/{user}/server").raise_for_status()
            until = time.monotonic() + 60
            while time.monotonic() < until:
                if not client.get(f"/users/{user}").json()["servers"]:
                    return
                time.sleep(0.1)
        raise RuntimeError("the server did not stop")

    def once(self, user: str) -> float:
        seconds = self.start(user)
        self.stop(user)
        return seconds

    def together(self) -> float:
        """Return the seconds of the slowest of five starts that were asked for at once."""
        people = [PERSON.format(number) for number in range(TOGETHER)]
        with ThreadPoolExecutor(TOGETHER) as threads:
            slowest = max(threads.map(self.start, people))
            list(threads.map(self.stop, people))
        return slowest


def site_starter(site: Site) -> Starter:
    token = site.files.secret("operator_api_token")
    return Starter(lambda: _client(f"{site.addresses.hub_local}/hub/api", token), {})


def _client(url: str, token: str) -> httpx.Client:
    return httpx.Client(
        base_url=url, headers={"Authorization": f"token {token}"}, timeout=300, trust_env=False
    )


class Floor:
    """Times `docker run` of the same command, by itself, to its first HTTP answer."""

    def __init__(self, stock: Stock, *, tag: str, flavour: Flavour) -> None:
        self._stock = stock
        self._tag = tag
        self._last = ip_network(stock.place.subnet).broadcast_address - 1
        with stock.operator() as client:
            client.post("/users/floor").raise_for_status()
            scopes = {"scopes": ["users:activity!user=floor"]}
            token = client.post("/users/floor/tokens", json=scopes).json()["token"]
        prefix = f"http://{stock.gateway}:{stock.place.port + 2}/hub/api"
        environment = {
            "JUPYTERHUB_API_TOKEN": token,
            "JUPYTERHUB_API_URL": prefix,
            "JUPYTERHUB_ACTIVITY_URL": f"{prefix}/users/floor/activity",
            "JUPYTERHUB_SERVICE_PREFIX": "/user/floor/",
            "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:8888/user/floor/",
            "JUPYTERHUB_USER": "floor",
            "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-floor",
        }
        memory = f"{flavour.memory_mib}m"
        self._options = ["--network", stock.place.network, "--init"]
        self._options += ["--memory", memory, "--memory-swap", memory, "--cpus", str(flavour.cpu)]
        self._options += ["--pids-limit", str(flavour.pids), "--shm-size", f"{flavour.shm_mib}m"]
        self._options += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        for key, value in environment.items():
            self._options += ["-e", f"{key}={value}"]

    def once(self) -> float:
        seconds, name = self._start(0)
        docker("rm", "-f", name)
        return seconds

    def together(self) -> float:
        """Return the seconds of the slowest of five that were run at once."""
        with ThreadPoolExecutor(TOGETHER) as threads:
            found = list(threads.map(self._start, range(TOGETHER)))
        docker("rm", "-f", *(name for _, name in found))
        return max(seconds for seconds, _ in found)

    def _start(self, number: int) -> tuple[float, str]:
        prefix = self._stock.place.prefix
        name, address = f"{prefix}-floor-{secrets.token_hex(3)}", self._last - number
        home = f"{prefix}-floor-{number}:/home/jovyan"
        began = time.perf_counter()
        docker("run", "-d", "--name", name, "--ip", str(address), "-v", home, *self._options,
               self._tag, "jupyterhub-singleuser")  # fmt: skip
        while not _answers(f"http://{address}:8888/user/floor/api"):
            time.sleep(0.02)
        return time.perf_counter() - began, name


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


def measure(
    site: Site, stock: Stock, *, tag: str, flavour: Flavour, rounds: int, say: Callable[[str], None]
) -> list[Figure]:
    """Measure all ways in turns, so that what else the machine does falls on all alike."""
    ours = site_starter(site)
    same = Starter(stock.operator, {"image": "same"})
    untuned = Starter(stock.operator, {"image": "untuned"})
    with stock.operator() as client:
        for number in range(TOGETHER):
            site.make_user(PERSON.format(number))
            client.post(f"/users/{PERSON.format(number)}").raise_for_status()
    bare = Floor(stock, tag=tag, flavour=flavour)
    ways: dict[str, Callable[[], float]] = {
        "ours": lambda: ours.once(PERSON.format(0)),
        "same": lambda: same.once(PERSON.format(0)),
        "untuned": lambda: untuned.once(PERSON.format(0)),
        "floor": bare.once,
    }
    single = _in_turns(ways, rounds, say)
    crowds = {
        "ours": ours.together,
        "same": same.together,
        "untuned": untuned.together,
        "floor": bare.together,
    }
    many = _in_turns(crowds, max(3, rounds // 3), say)
    return [
        against("Start, against stock on the same image", single["ours"], single["same"],
                target=0.7),
        against("Start, against stock on an untuned image", single["ours"], single["untuned"],
                target=0.45),
        against("Start, against a bare docker run", single["ours"], single["floor"], target=1.2),
        against("Slowest of five, against stock on the same image", many["ours"], many["same"],
                target=0.6),
        against("Slowest of five, against stock on an untuned image", many["ours"],
                many["untuned"]),
        against("Slowest of five, against five bare docker runs", many["ours"], many["floor"],
                target=1.2),
    ]  # fmt: skip


def _in_turns(
    ways: dict[str, Callable[[], float]], rounds: int, say: Callable[[str], None]
) -> dict[str, list[float]]:
    """Measure every way once a round; the first round warms up and is thrown away."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        row = {name: way() for name, way in ways.items()}
        say("  ".join(f"{name} {value:.2f}" for name, value in row.items()))
        if number:
            for name, value in row.items():
                seconds[name].append(value)
    return seconds
