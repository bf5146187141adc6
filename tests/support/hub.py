"""A real hub for tests of sign-in: our configuration, servers as plain processes, no engine."""

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from tests.support.places import free_port

from machinelabs_hub import settings as site_settings
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.db.migrate import upgrade
from machinelabs_hub.settings import SETTINGS_VARIABLE, Settings
from machinelabs_hub.sites import Addresses, Files, database_url
from machinelabs_hub.up.parts import proxy_program
from machinelabs_hub.up.secrets import ensure_secrets

CONFIG = """
from machinelabs_hub.auth.authenticator import configure_auth
from machinelabs_hub.configure import configure_hub
from machinelabs_hub.settings import load
from machinelabs_hub.sites import Addresses

c = get_config()
configure_hub(c, load())
configure_auth(c, load())
c.JupyterHub.spawner_class = "simple"
c.Spawner.hub_connect_url = Addresses(load()).hub_local
c.Spawner.cmd = ["jupyterhub-singleuser", "--allow-root"]
c.JupyterHub.cleanup_proxy = True
c.ConfigurableHTTPProxy.should_start = True
c.ConfigurableHTTPProxy.command = [{proxy!r}]
for service in c.JupyterHub.services:
    service.pop("url", None)
{extra}
"""
START_SECONDS = 60
PASSWORD = "a nice long phrase"
XSRF = re.compile(r'name="_xsrf" value="([^"]+)"')


@dataclass
class Hub:
    """One hub and its proxy. Make it with `running_hub(...)`."""

    data: Path
    port: int
    auth: Mapping[str, Any]
    extra: str = ""
    process: subprocess.Popen[bytes] | None = None
    _clients: list[httpx.Client] = field(default_factory=list)
    _admin: httpx.Client | None = None
    _link: str = ""

    @property
    def settings(self) -> Settings:
        return site_settings.load(self.data / "settings.yaml")

    @property
    def url(self) -> str:
        return Addresses(self.settings).hub

    @property
    def admin_password(self) -> str:
        return Files(self.data).secret("admin_password")

    def start(self) -> None:
        (self.data / "run").mkdir(parents=True, exist_ok=True)
        values = {"site": {"port": self.port}, "auth": dict(self.auth)}
        (self.data / "settings.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        ensure_secrets(Files(self.data))
        upgrade(database_url(self.settings))
        config = self.data / "config.py"
        text = CONFIG.format(proxy=proxy_program(), extra=self.extra)
        config.write_text(text, encoding="utf-8")
        environment = {
            **os.environ,
            SETTINGS_VARIABLE: str(self.data / "settings.yaml"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        before = len(self.log())
        with (self.data / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "machinelabs_hub.hub_process", "-f", str(config)],
                cwd=self.data,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + START_SECONDS
        while "JupyterHub is now running" not in self.log()[before:]:
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the hub did not start:\n{self.log()[-4000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)

    def restart(self) -> None:
        self.stop()
        self.start()

    def log(self) -> str:
        path = self.data / "hub.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    # ---- people

    def client(self) -> httpx.Client:
        """Return the browser of somebody who has not signed in."""
        client = httpx.Client(base_url=self.url, follow_redirects=True, timeout=60)
        self._clients.append(client)
        return client

    def try_to_sign_in(self, name: str, password: str) -> tuple[httpx.Client, httpx.Response]:
        """Return the client, and what the form answered."""
        client = self.client()
        sent = {"username": name, "password": password}
        return client, submit(client, "/hub/login", sent)

    def sign_in(self, name: str, password: str) -> httpx.Client:
        client, answer = self.try_to_sign_in(name, password)
        assert answer.url.path == "/hub/home", answer.text
        return client

    def admin(self) -> httpx.Client:
        """Return the first admin's browser, signed in once."""
        if self._admin is None or self._admin.get("/hub/account").url.path != "/hub/account":
            self._admin = self.sign_in("admin", self.admin_password)
        return self._admin

    def invite(self, **fields: str) -> str:
        """Return the link that the people page shows for a new invitation."""
        answer = submit(self.admin(), "/hub/people/invite", fields, form="/hub/people")
        assert answer.status_code == 200, answer.text
        return new_link(answer)

    def new_person(self) -> tuple[str, httpx.Client]:
        """Make an account as people do, by invitation; return its name and its browser."""
        self._link = self._link or self.invite(uses="1000")
        name, client = f"p{secrets.token_hex(4)}", self.client()
        answer = sign_up(client, self._link, name, PASSWORD)
        assert answer.url.path == "/hub/home", answer.text
        return name, client

    def groups_of(self, name: str) -> set[str]:
        return set(self.person(name)["groups"])

    def person(self, name: str) -> dict[str, Any]:
        """Return JupyterHub's own model of somebody."""
        found: dict[str, Any] = self._ask(f"/users/{name}")
        return found

    def people(self) -> list[dict[str, Any]]:
        """Return JupyterHub's own models of everybody."""
        found: list[dict[str, Any]] = self._ask("/users")
        return found

    def _ask(self, path: str) -> Any:
        token = Files(self.data).secret("operator_api_token")
        answer = httpx.get(
            f"{Addresses(self.settings).hub_local}/hub/api{path}",
            headers={"Authorization": f"token {token}"},
            timeout=60,
        )
        answer.raise_for_status()
        return answer.json()

    def sessions(self) -> Any:
        """Return a maker of database transactions."""
        return session_maker(open_engine(database_url(self.settings)))

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.stop()


@contextmanager
def running_hub(data: Path, *, extra: str = "", **auth: Any) -> Iterator[Hub]:
    """Run a hub with `auth` of the settings; `extra` is appended to its configuration."""
    hub = Hub(data=data, port=free_port(), auth=auth, extra=extra)
    try:
        hub.start()
        yield hub
    finally:
        hub.close()


def submit(
    client: httpx.Client, path: str, fields: Mapping[str, str], *, form: str = ""
) -> httpx.Response:
    """Open the page of a form, then send it with the page's own XSRF field."""
    page = client.get(form or path)
    found = XSRF.search(page.text)
    # A page that shows no form still gives the cookie, which is the same token.
    token = found[1] if found else client.cookies.get("_xsrf", path="/hub/")
    return client.post(path, data={"_xsrf": token, **fields})


def sign_up(client: httpx.Client, link: str, name: str, password: str) -> httpx.Response:
    """Fill the form behind an invitation link."""
    code = link.partition("code=")[2]
    sent = {"code": code, "username": name, "password": password}
    return submit(client, "/hub/signup", sent, form=f"/hub/signup?code={code}")


def new_link(answer: httpx.Response) -> str:
    """Return the link that a people page shows once."""
    found = re.search(r'id="new-link" readonly value="([^"]+)"', answer.text)
    assert found, answer.text
    return found[1]


def notice(answer: httpx.Response) -> str:
    """Return the words of the page's first notice."""
    found = re.search(
        r'<div class="ml-notice.*?</svg><div>(.*?)</div></div>', answer.text, re.DOTALL
    )
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""
