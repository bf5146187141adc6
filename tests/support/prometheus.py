"""A real Prometheus that reads one page of figures, and its tool that parses queries."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from tests.support.places import free_port
from tests.support.waiting import wait_until


def promtool(*arguments: str | Path, sent: str = "") -> "subprocess.CompletedProcess[str]":
    """Run Prometheus' tool; what it says stands in `stdout`."""
    return subprocess.run(
        ["promtool", *map(str, arguments)],
        input=sent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs."""

    url: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return what a query gives now."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": query}).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def series(self) -> list[dict[str, str]]:
        """Return all series that it knows, by their labels."""
        where = {"match[]": '{__name__=~".+"}'}
        answer = httpx.get(f"{self.url}/api/v1/series", params=where).raise_for_status()
        found: list[dict[str, str]] = answer.json()["data"]
        return found


@contextmanager
def prometheus(folder: Path, scrape: dict[str, Any]) -> Iterator[Prometheus]:
    """Run Prometheus in `folder` with these jobs, each second, until the block ends."""
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, **scrape}))
    checked = promtool("check", "config", config)
    assert checked.returncode == 0, checked.stdout
    url = f"http://127.0.0.1:{free_port()}"
    log = (folder / "prometheus.log").open("wb")
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'figures'}",
            f"--web.listen-address={url.removeprefix('http://')}",
        ],
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _is_ready(url), seconds=20, what=f"Prometheus ({log.name})")
        yield Prometheus(url)
    finally:
        process.terminate()
        process.wait(timeout=20)
        log.close()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").is_success
    except httpx.HTTPError:
        return False
