"""`ml` and JupyterLab at one folder in the same moment: one of them waits, and is told so."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.ml import Terminal, command
from tests.support.notebook_server import NotebookServer, environment, notebook_server
from tests.support.site import Site

from .conftest import OWNER

pytestmark = pytest.mark.engine

BUSY = "Another program is publishing or changing “{}” at this moment."


@pytest.fixture
def stalled() -> Iterator[dict[str, str]]:
    """A site that takes whatever is sent and never says a word, as a program's environment."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/services/labs"
        yield {"MACHINELABS_LABS_URL": url}


def draft(path: str) -> dict[str, Any]:
    return {"path": path, "title": path, "name": path, "visibility": "private", "licence": "MIT",
            "description": "", "tags": [], "strip": False}  # fmt: skip


def wait_for(file: Path) -> None:
    for _ in range(200):
        if file.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{file} never came")


def test_jupyterlab_waits_for_ml(olga: NotebookServer, site: Site, stalled: dict[str, str]) -> None:
    folder = olga.write("ml-first/a.txt", "1").parent
    at = Terminal(olga.home, folder, environment(site, OWNER) | stalled)
    with subprocess.Popen(
        command("push", "--title", "One"), cwd=folder, env=at.environment, stderr=subprocess.DEVNULL
    ) as ml:
        wait_for(folder / ".machinelabs/lab.lock")
        job = olga.finish(olga.post("publish", draft("ml-first")))
        assert (job["state"], job["code"]) == ("failed", "busy")
        assert BUSY.format("ml-first") in job["message"]
        ml.kill()
    # A program that is killed keeps nobody waiting.
    done = olga.finish(olga.post("publish", draft("ml-first")))
    assert (done["state"], done["result"]["revision"]) == ("done", 1)


def test_ml_waits_for_jupyterlab(site: Site, tmp_path: Path, stalled: dict[str, str]) -> None:
    with notebook_server(tmp_path, **environment(site, OWNER) | stalled) as server:
        folder = server.write("lab-first/a.txt", "1").parent
        at = Terminal(server.home, folder, environment(site, OWNER))
        server.post("publish", draft("lab-first"))
        wait_for(folder / ".machinelabs/lab.lock")
        said = at.ml("push")
        assert (said.code, BUSY.format("lab-first") in said.err) == (7, True), said.err
    assert at.done("push")["revision"] == 1
