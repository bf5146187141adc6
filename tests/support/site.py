"""A real site for the tests: `machinelabs-hub up` in a folder, ports and a network of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from tests.support.places import Place

from machinelabs_hub import settings as site_settings
from machinelabs_hub.auth.passwords import hash_password
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.db.tables.accounts import AccountRow
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, Files, database_url
from machinelabs_hub.spawn.network import remove_filter, remove_network

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct-horse-battery"
READY = "Ready after"
START_SECONDS = 900
SERVER_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Server:
    """A person's running server. `url` ends with /; `token` is the person's own."""

    user: str
    name: str
    url: str
    token: str
    container: str

    def client(self) -> httpx.Client:
        """Return a client of the server's API that is signed in by token."""
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"token {self.token}"}, timeout=60
        )


@dataclass
class Site:
    """One site. Make it with `running(...)` or take the session's fixture `site`."""

    data: Path
    place: Place
    overrides: Mapping[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _clients: list[httpx.Client] = field(default_factory=list)

    # ---- settings and addresses

    @property
    def settings(self) -> Settings:
        return site_settings.load(self.data / "settings.yaml")

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.settings)

    @property
    def files(self) -> Files:
        return Files(self.data)

    @property
    def url(self) -> str:
        """The hub, as a browser reaches it (no final /)."""
        return self.addresses.hub

    @property
    def labs_url(self) -> str:
        """The labs pages, as a browser reaches them: …/services/labs."""
        return self.addresses.labs

    @property
    def admin(self) -> str:
        return self.settings.site.admin

    @property
    def admin_password(self) -> str:
        return self.files.secret("admin_password")

    def write_settings(self) -> None:
        values: dict[str, Any] = {
            "site": {"port": self.place.port},
            "engine": {
                "prefix": self.place.prefix,
                "network": self.place.network,
                "subnet": self.place.subnet,
            },
        }
        for section, keys in self.overrides.items():
            if isinstance(keys, Mapping):
                values[section] = {**values.get(section, {}), **keys}
            else:
                values[section] = keys
        self.data.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(values, sort_keys=False)
        (self.data / "settings.yaml").write_text(text, encoding="utf-8")

    # ---- the site's life

    def start(self) -> float:
        """Start the site and wait until it says that it is ready; return the seconds."""
        if not (self.data / "settings.yaml").exists():
            self.write_settings()
        began = time.monotonic()
        log = self.data / "up.out"
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command("up", "--data", str(self.data)),
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                start_new_session=True,
            )
        while READY not in log.read_text(encoding="utf-8", errors="replace"):
            if self.process.poll() is not None or time.monotonic() - began > START_SECONDS:
                self.stop()
                raise RuntimeError(f"the site did not start:\n{self.said()}")
            time.sleep(0.1)
        return time.monotonic() - began

    def stop(self, number: int = signal.SIGINT) -> float:
        """Stop the site as Ctrl-C does; people's servers keep running. Return the seconds."""
        if self.process is None or self.process.poll() is not None:
            return 0.0
        began = time.monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.monotonic() - began

    def said(self) -> str:
        """What `up` wrote on the terminal."""
        return (self.data / "up.out").read_text(encoding="utf-8", errors="replace")

    def pid(self, part: str) -> int:
        """The process id of proxy, door, hub, labs or culler."""
        return int((self.files.run / f"{part}.pid").read_text(encoding="ascii"))

    def kill(self, part: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to one part; return the process id that it had."""
        pid = self.pid(part)
        os.kill(pid, number)
        return pid

    def log(self, part: str) -> str:
        path = self.files.logs / f"{part}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def remove(self) -> None:
        """Stop the site and remove what it left on the engine and in the packet filter."""
        for client in self._clients:
            client.close()
        self.stop()
        remove_leftovers(self.place, self.settings)

    # ---- people

    def make_user(self, name: str, *, admin: bool = False) -> str:
        """Make an account and the hub's user of that name; return its password."""
        engine = open_engine(database_url(self.settings))
        with session_maker(engine)() as db:
            if db.get(AccountRow, name) is None:
                now = datetime.now(UTC)
                kept = hash_password(PASSWORD)
                db.add(AccountRow(name=name, password=kept, created_at=now, password_at=now))
        engine.dispose()
        answer = self.operator("POST", "/users", json={"usernames": [name], "admin": admin})
        if answer.status_code not in {201, 409}:
            answer.raise_for_status()
        return PASSWORD

    def make_group(self, name: str, *people: str) -> None:
        """Make a group of the hub, as an admin does, and put people into it."""
        for person in people:
            self.make_user(person)
        token = {"Authorization": f"token {self.token(self.admin)}"}
        with httpx.Client(base_url=f"{self.addresses.hub_local}/hub/api", headers=token) as admin:
            made = admin.post(f"/groups/{name}")
            if made.status_code != httpx.codes.CONFLICT:
                made.raise_for_status()
            admin.post(f"/groups/{name}/users", json={"users": people}).raise_for_status()

    def sign_in(self, name: str, password: str | None = None) -> httpx.Client:
        """Return a client that signed in at the hub's form; it is closed with the site."""
        if password is None:
            password = self.admin_password if name == self.admin else self.make_user(name)
        with self._client() as client:
            client.get("/hub/login")
            answer = client.post(
                "/hub/login",
                data={"username": name, "password": password, "_xsrf": client.cookies["_xsrf"]},
            )
            answer.raise_for_status()
            signed_in = self._client(cookies=client.cookies)
        self._clients.append(signed_in)
        return signed_in

    def visitor(self) -> httpx.Client:
        """Return a client of somebody who did not sign in."""
        client = self._client()
        self._clients.append(client)
        return client

    def _client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, follow_redirects=True, timeout=60, **options)

    def token(self, name: str, scopes: list[str] | None = None, *, seconds: int = 3600) -> str:
        """Return a hub token of a person, made if need be; `scopes` None is all of theirs."""
        body: dict[str, Any] = {"note": "test", "expires_in": seconds}
        if scopes is not None:
            body["scopes"] = scopes
        self.make_user(name)
        answer = self.operator("POST", f"/users/{name}/tokens", json=body)
        answer.raise_for_status()
        token: str = answer.json()["token"]
        return token

    def operator(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the hub's API as the site's operator; `path` follows /hub/api."""
        token = self.files.secret("operator_api_token")
        return httpx.request(
            method,
            f"{self.addresses.hub_local}/hub/api{path}",
            headers={"Authorization": f"token {token}"},
            timeout=60,
            **options,
        )

    # ---- servers

    def start_server(
        self, user: str, *, name: str = "", image: str = "", flavour: str = ""
    ) -> Server:
        """Start a person's server and wait until it is ready."""
        token = self.token(user)
        chosen = {"image": image, "flavour": flavour}
        answer = self.operator(
            "POST",
            f"/users/{user}/servers/{name}" if name else f"/users/{user}/server",
            json={key: value for key, value in chosen.items() if value},
        )
        if answer.status_code not in {201, 202}:
            raise RuntimeError(f"the server was refused: {answer.status_code} {answer.text}")
        until = time.monotonic() + SERVER_SECONDS
        while time.monotonic() < until:
            person = self.operator("GET", f"/users/{user}?include_stopped_servers").json()
            found = person.get("servers", {}).get(name, {})
            if found.get("ready"):
                return Server(
                    user=user,
                    name=name,
                    url=self.server_url(user, name),
                    token=token,
                    container=self.container_name(user, name),
                )
            if not found.get("pending"):
                break
            time.sleep(0.1)
        raise RuntimeError(f"the server did not start:\n{self.log('hub')[-3000:]}")

    def stop_server(self, user: str, *, name: str = "", remove: bool = False) -> None:
        """Stop a person's server and wait until it is gone."""
        path = f"/users/{user}/servers/{name}" if name else f"/users/{user}/server"
        self.operator("DELETE", path, json={"remove": remove} if name else None)
        until = time.monotonic() + SERVER_SECONDS
        while time.monotonic() < until:
            servers = self.operator("GET", f"/users/{user}").json().get("servers", {})
            if name not in servers:
                return
            time.sleep(0.1)
        raise RuntimeError("the server did not stop")

    def server_url(self, user: str, name: str = "") -> str:
        """The public address of a person's server, with a final /."""
        scheme, host = self.url.split("://", 1)
        middle = f"{name}/" if name else ""
        return f"{scheme}://{user}.{host}/user/{user}/{middle}"

    def container_name(self, user: str, name: str = "") -> str:
        return f"{self.place.prefix}-{user}--{name}" if name else f"{self.place.prefix}-{user}"


def command(*arguments: str) -> list[str]:
    """Return the command line of `machinelabs-hub` in this environment."""
    return [sys.executable, "-m", "machinelabs_hub.cli", *arguments]


@contextmanager
def running(data: Path, **overrides: Any) -> Iterator[Site]:
    """Run a site with settings of your own, e.g. `running(tmp_path, servers={"idle_minutes": 0})`."""
    site = Site(data=data, place=Place.find(), overrides=overrides)
    try:
        site.start()
        yield site
    finally:
        site.remove()


def remove_leftovers(place: Place, settings: Settings) -> None:
    """Remove the containers, homes, network and filter rules of a test's site."""
    label = f"label=machinelabs.site={place.prefix}"
    _docker("container", "rm", "-f", *_docker("container", "ls", "-aq", "--filter", label))
    _docker("volume", "rm", "-f", *_docker("volume", "ls", "-q", "--filter", label))
    volumes = [
        name for name in _docker("volume", "ls", "-q") if name.startswith(f"{place.prefix}-")
    ]
    _docker("volume", "rm", "-f", *volumes)
    # A site that never came so far has neither.
    with suppress(MachineLabsError):
        remove_network(settings)
        remove_filter(settings)


def _docker(*arguments: str) -> list[str]:
    if arguments[-1] == "-f":
        return []
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.split()
