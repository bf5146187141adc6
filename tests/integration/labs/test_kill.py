"""The labs service is killed in the middle of its work: what it answered is there, whole."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import pytest
from tests.support.many_labs import notebook, publish_many, tools_of
from tests.support.places import free_port
from tests.support.site import ROOT, Site
from tests.support.site_labs import parts

from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.reindex import compare, settle
from machinelabs_hub.labs.services.revisions import RevisionService
from machinelabs_hub.labs.services.tools import Tools

pytestmark = pytest.mark.engine

WORKERS = 4
ROOT_USER = Person("root", "Root", admin=True)


@dataclass
class Load:
    """Publishes, revises and forks as fast as it can, and remembers what was answered with 201.

    `answered` has for each lab how many of its revisions were, `once` for each person how many labs
    they asked for with a key until they had word of it.
    """

    site: Site
    port: int
    seed: str
    answered: dict[str, int] = field(default_factory=dict)
    once: Counter[str] = field(default_factory=Counter)
    lost_answers: int = 0
    acts: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def work(self, number: int, token: str) -> None:
        """Work as one person until stopped; what is not answered is tried anew, as another act."""
        url = f"http://127.0.0.1:{self.port}/services/labs/api/v1"
        head = {"Authorization": f"Bearer {token}", "Host": self.site.addresses.labs_host}
        with httpx.Client(base_url=url, headers=head, timeout=10, trust_env=False) as client:
            for act in count():
                if self.stop.is_set():
                    return
                try:
                    self._act(client, f"kill-{number}", act)
                except httpx.HTTPError:
                    time.sleep(0.02)

    def _act(self, client: httpx.Client, who: str, act: int) -> None:
        if act % 20 == 10:
            self._ask_once(client, who, act)
        elif act % 20 == 0:
            body = {"title": f"Lab {act}", "name": f"lab-{act}", "visibility": "public"}
            self._note(client.post("/labs", files=parts("lab", body, files_of(1))))
        elif act % 5 == 0:
            name = f"fork-{act}"
            self._note(client.post(f"/labs/{self.seed}/forks", json={"name": name}))
        else:
            path = f"{who}/lab-{act - act % 20}"
            seen = client.get(f"/labs/{path}")
            if seen.status_code != httpx.codes.OK:
                return
            base = seen.json()["revision"]
            sent = parts("revision", {"base": base, "message": ""}, files_of(base + 1))
            answer = client.post(f"/labs/{path}/revisions", files=sent)
            if answer.status_code == httpx.codes.CREATED:
                self.answered[path] = answer.json()["number"]
                self.acts += 1

    def _ask_once(self, client: httpx.Client, who: str, act: int) -> None:
        """Ask for a lab, and ask again with the same key until there is word of it."""
        head = {"Idempotency-Key": f"key-{act}"}
        while True:
            sent = parts("lab", {"title": "Once", "visibility": "private"}, files_of(1))
            try:
                answer = client.post("/labs", files=sent, headers=head)
            except httpx.HTTPError:
                time.sleep(0.02)
                continue
            if answer.json().get("code") == "idempotency_key_done":
                self.lost_answers += 1
            elif answer.status_code != httpx.codes.CREATED:
                time.sleep(0.02)
                continue
            self.once[who] += 1
            self.acts += 1
            return

    def _note(self, answer: httpx.Response) -> None:
        if answer.status_code == httpx.codes.CREATED:
            lab = answer.json()
            self.answered[f"{lab['owner']}/{lab['name']}"] = 1
            self.acts += 1


def files_of(number: int) -> dict[str, bytes]:
    """Return the files of r`number`: two that must be of the same revision."""
    return {"n.txt": b"%d" % number, "main.ipynb": notebook(f"print({number})", kilobytes=20)}


@contextmanager
def served(site: Site, data: Path, port: int, url: str) -> Iterator[subprocess.Popen[bytes]]:
    words = ["-m", "tests.integration.labs.kill_server", str(site.data / "settings.yaml")]
    command = [sys.executable, *words, str(data), str(port), url]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until and process.poll() is None:
                with suppress(httpx.HTTPError):
                    httpx.get(f"http://127.0.0.1:{port}/services/labs/health", timeout=1)
                    break
                time.sleep(0.05)
            assert process.poll() is None, "the service did not start"
            yield process
        finally:
            process.kill()


def prove(site: Site, data: Path, url: str, *, kills: int, labs: int) -> Load:
    """Kill the service so often under load, and hold what it answered against what is there."""
    shutil.copytree(site.files.secrets, data / "secrets")
    database = site.settings.database.model_copy(update={"url": url})
    tools = tools_of(site.settings.model_copy(update={"data": data, "database": database}))
    seed = publish_many(tools, labs)[0]
    load = Load(site, free_port(), seed.path)
    tokens = [site.token(f"kill-{number}") for number in range(WORKERS)]
    crowd = [
        threading.Thread(target=load.work, args=(number, token), daemon=True)
        for number, token in enumerate(tokens)
    ]
    dice = random.Random(11)  # noqa: S311 - for variety
    for thread in crowd:
        thread.start()
    try:
        for _ in range(kills):
            with served(site, data, load.port, url) as process:
                time.sleep(dice.uniform(0.1, 1.5))
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
    finally:
        load.stop.set()
    # Who asked with a key asks until there is word.
    with served(site, data, load.port, url):
        for thread in crowd:
            thread.join(60)
    assert not any(thread.is_alive() for thread in crowd)
    settle(tools)
    assert compare(tools).faults == []
    check_answered(tools, load)
    tools.close()
    return load


def check_answered(tools: Tools, load: Load) -> None:
    service = LabService(tools=tools, viewer=ROOT_USER)
    revisions = RevisionService(tools=tools, viewer=ROOT_USER)
    for path, newest in load.answered.items():
        lab = service.get(*path.split("/"))
        assert lab.revision >= newest, f"{path} lost r{lab.revision + 1}"
    for worker in range(WORKERS):
        made = [lab for lab in tools.labs.all_of(f"kill-{worker}") if lab.name.startswith("once")]
        assert len(made) == load.once[f"kill-{worker}"]
        for lab in tools.labs.all_of(f"kill-{worker}"):
            if lab.name.startswith(("fork-", "once")):
                assert lab.revision == 1
                assert revisions.files(lab, 1)
                continue
            for number in range(1, lab.revision + 1):
                expected = files_of(number)
                assert {path: revisions.read(lab, number, path) for path in expected} == expected


def test_a_few_kills_lose_nothing_that_was_answered(site: Site, tmp_path: Path, url: str) -> None:
    load = prove(site, tmp_path, url, kills=4, labs=30)
    assert load.acts > 4


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not os.environ.get("MACHINELABS_PROOF"), reason="make proof runs it in full")
def test_fifty_kills_among_a_thousand_labs_lose_nothing(
    site: Site, tmp_path: Path, url: str
) -> None:
    load = prove(site, tmp_path, url, kills=50, labs=1000)
    print(
        f"{load.acts} acts answered, {len(load.answered)} labs; {load.once.total()} labs asked for "
        f"with a key, {load.lost_answers} of them made by a process that died before its answer"
    )
