"""A Jupyter server with our extension on this machine, beside a site: no container, no hub page."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.support.places import free_port
from tests.support.site import Site

TOKEN = "a-token-of-the-tests"
BUILT = Path(__file__).resolve().parents[2] / (
    "extensions/jupyterlab/jupyterlab_machinelabs/labextension"
)


@dataclass(frozen=True, slots=True)
class NotebookServer:
    """`home` is the top folder of its files; `url` ends without /."""

    url: str
    home: Path
    http: httpx.Client
    log: Path
    pid: int

    def ask(self, method: str, path: str, body: Any = None, /, **params: str) -> httpx.Response:
        """Send a request to our API."""
        return self.http.request(method, f"/machinelabs/api/{path}", json=body, params=params)

    def get(self, path: str, /, **params: str) -> Any:
        return self.ask("GET", path, **params).raise_for_status().json()

    def post(self, path: str, body: Any, /) -> Any:
        return self.ask("POST", path, body).raise_for_status().json()

    def finish(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Wait for a job's end and return it."""
        until = time.monotonic() + 60
        found = dict(job)
        while found["state"] == "running" and time.monotonic() < until:
            time.sleep(0.05)
            found = self.get(f"jobs/{job['id']}")
        return found

    def write(self, path: str, content: str | bytes | dict[str, Any]) -> Path:
        """Put a file into the home; a dict is written as JSON."""
        if isinstance(content, dict):
            content = json.dumps(content)
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target


def environment(site: Site, person: str, **more: str) -> dict[str, str]:
    """Return what the hub of `site` would give a server of `person`, and `more`."""
    return {
        "MACHINELABS_LABS_URL": f"{site.addresses.labs_local}/services/labs",
        "MACHINELABS_PUBLIC_URL": site.labs_url,
        "MACHINELABS_IMAGE": "datascience",
        "MACHINELABS_FLAVOUR": "cpu-small",
        "MACHINELABS_IDLE_MINUTES": "60",
        "MACHINELABS_IDLE_WARNING_MINUTES": "5",
        "JUPYTERHUB_API_TOKEN": site.token(person),
        "JUPYTERHUB_USER": person,
        **more,
    }


@contextmanager
def notebook_server(folder: Path, **environment: str) -> Iterator[NotebookServer]:
    """Run a JupyterLab with our extension; `environment` is what the hub would give it."""
    home, port, log = folder / "home", free_port(), folder / "server.log"
    home.mkdir(parents=True)
    # As in the images: nobody is asked whether they want news.
    asked = home / ".jupyter/lab/user-settings/@jupyterlab/apputils-extension"
    asked.mkdir(parents=True)
    (asked / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    # What was built last, under the name that browsers ask for; an installed copy may be older.
    extensions = folder / "labextensions"
    extensions.mkdir()
    (extensions / "jupyterlab-machinelabs").symlink_to(BUILT)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--allow-root",
        "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={home}",
        f"--IdentityProvider.token={TOKEN}", "--LabApp.news_url=",
        f"--LabApp.extra_labextensions_path={extensions}",
        "--ServerApp.allow_remote_access=True",
    ]  # fmt: skip
    # What this process got from its own surroundings must not tell the server of another site.
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("JUPYTER", "MACHINELABS_"))
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env={**inherited, "HOME": str(home), **environment}
        )
    url = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"token {TOKEN}"}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
            server = NotebookServer(url, home, http, log, process.pid)
            _wait(server, process)
            yield server
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: NotebookServer, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        try:
            server.http.get("/api").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the notebook server did not start:\n{server.log.read_text()[-3000:]}")
