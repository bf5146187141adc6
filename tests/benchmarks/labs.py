"""Publishing and forking: a notebook of 1 MB, labs of 1 MB and of 500 MB."""

import io
import json
import random
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import IO

import httpx
import nbformat
from tests.benchmarks.figures import Figure, against, alone
from tests.support.site import Site

Parts = dict[str, tuple[str | None, IO[bytes] | str, str]]

MB = 10**6
LABS = 1000
OWNERS = 10
SETTINGS = {
    "labs_per_person": 10_000,
    "publishes_per_hour": 1_000_000,
    "requests_per_minute": 1_000_000,
}
"""Limits of the measured site: what is measured is speed, not patience."""


def notebook(size: int, seed: int = 0) -> bytes:
    """Return a notebook of about `size` bytes: prose, code and text outputs."""
    chance = random.Random(seed)  # noqa: S311 - the same notebook each time
    cells: list[nbformat.NotebookNode] = []
    total = 0
    while total < size:
        code = "\n".join(f"value_{i} = {chance.random()}" for i in range(20))
        cell = nbformat.v4.new_code_cell(code, id=f"c{len(cells)}")
        text = "\n".join(f"{chance.random():.12f}" for _ in range(100))
        cell["outputs"] = [nbformat.v4.new_output("stream", text=text)]
        words = nbformat.v4.new_markdown_cell(f"## Part {len(cells)}", id=f"m{len(cells)}")
        cells += [words, cell]
        total += len(code) + len(text) + 300
    book = nbformat.v4.new_notebook(cells=cells)
    return str(nbformat.writes(book)).encode()


class Publisher:
    """One person who publishes and forks through the labs API."""

    def __init__(self, site: Site, name: str) -> None:
        self.name = name
        self._client = httpx.Client(
            base_url=f"{site.addresses.labs_local}/services/labs/api/v1",
            headers={"Authorization": f"Bearer {site.token(name)}"},
            timeout=600,
            trust_env=False,
        )

    def publish(self, name: str, files: Mapping[str, bytes | int]) -> float:
        """Publish a lab; a number is a file of so many random bytes. Return the seconds."""
        draft = {"title": name, "name": name, "visibility": "public", "licence": "MIT"}
        with tempfile.TemporaryFile() as packed:
            pack(files, packed)
            packed.seek(0)
            parts: Parts = {
                "lab": (None, json.dumps(draft), "application/json"),
                "files": ("files.tar", packed, "application/x-tar"),
            }
            began = time.perf_counter()
            self._client.post("/labs", files=parts).raise_for_status()
            return time.perf_counter() - began

    def keep_fork(self, owner: str, name: str, to: str) -> None:
        """Fork a lab and leave the fork."""
        path = f"/labs/{owner}/{name}/forks"
        self._client.post(path, json={"name": to}).raise_for_status()

    def fork(self, owner: str, name: str, to: str) -> float:
        """Fork a lab and delete the fork again; return the fork's seconds."""
        began = time.perf_counter()
        answer = self._client.post(f"/labs/{owner}/{name}/forks", json={"name": to})
        seconds = time.perf_counter() - began
        answer.raise_for_status()
        self._client.delete(f"/labs/{self.name}/{to}").raise_for_status()
        return seconds


def pack(files: Mapping[str, bytes | int], into: IO[bytes]) -> None:
    with tarfile.open(fileobj=into, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            data = content if isinstance(content, bytes) else noise(content)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def noise(size: int) -> bytes:
    """Return bytes that do not compress, the same each time."""
    return random.Random(size).randbytes(size)  # noqa: S311


def store(site: Site, say: Callable[[str], None]) -> list[str]:
    """Publish a thousand labs; return the paths of a hundred of their pages."""
    owners = [Publisher(site, f"owner-{number}") for number in range(OWNERS)]
    began = time.perf_counter()
    for number in range(LABS):
        files = {"main.ipynb": notebook(20_000, number), "README.md": b"# A lab\n"}
        owners[number % OWNERS].publish(f"lab-{number}", files)
    say(f"{LABS} labs published in {time.perf_counter() - began:.0f} s")
    return [f"/owner-{number % OWNERS}/lab-{number}" for number in range(100)]


def measure(site: Site, *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    writer, reader = Publisher(site, "writer"), Publisher(site, "forker")
    book = notebook(MB)
    publishes = [
        writer.publish(f"book-{number}", {"main.ipynb": notebook(MB, number)})
        for number in range(rounds)
    ]
    writer.publish("small", {"main.ipynb": book})
    halves = {"a.bin": 250 * MB, "b.bin": 250 * MB}
    say(f"500 MB published in {writer.publish('large', {'main.ipynb': book, **halves}):.1f} s")
    forks: dict[str, list[float]] = {"small": [], "large": []}
    for number in range(2 * rounds + 1):
        for name, seconds in forks.items():
            found = reader.fork("writer", name, f"{name}-{number}")
            if number:
                seconds.append(found)
    return [
        alone("Publish a notebook of 1 MB", publishes),
        alone("Fork a lab of 1 MB", forks["small"]),
        against(
            "Fork a lab of 500 MB, against one of 1 MB",
            forks["large"],
            forks["small"],
            target=1.2,
        ),
    ]
