"""A GPU that idles comes back, one that works does not; who takes too much is told and stopped."""

import asyncio
import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from tests.support.card_site import CARDS, CardSite, running_with_cards
from tests.support.fake_nvml import FakeCard, FakeNvml, FakeProcess, build
from tests.support.waiting import wait_until

from machinelabs_hub.spawn.engine import Engine, EngineFailed

pytestmark = pytest.mark.engine

LIMIT, SLACK = 60, 60


@pytest.fixture(scope="module")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> FakeNvml:
    folder = tmp_path_factory.mktemp("nvml")
    machine = FakeNvml(library=build(folder), state=folder / "state")
    machine.cards = [FakeCard(uuid) for uuid in CARDS]
    machine.tell()
    return machine


@pytest.fixture(scope="module")
def site(nvml: FakeNvml) -> Iterator[CardSite]:
    gpus = {
        "source": "nvml", "cards": [], "idle_minutes": 1, "idle_warning_minutes": 1,
        "unopened_minutes": 0, "over_share_seconds": 6,
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in nvml.environment.items():
            patch.setenv(name, value)
        with running_with_cards(gpus=gpus) as site:
            site.run_part("sampler")
            wait_until(lambda: rows(site, "select uuid from cards"), seconds=30, what="the cards")
            yield site


def rows(site: CardSite, query: str, *values: object) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(site.files.database, timeout=10)) as db:
        found = db.execute(query, values).fetchall()
        db.commit()
        return found


def notices(site: CardSite, person: str) -> list[tuple[object, ...]]:
    return rows(
        site, "select kind, sentence from notices where user = ? and ended_at is null", person
    )


def why(site: CardSite, person: str) -> object:
    found = rows(site, "select why, ended_at from claims where user = ?", person)
    return found[0][0] if found[0][1] else ""


def card_and_process(site: CardSite, person: str) -> tuple[int, int]:
    """Which card the person's server holds, by its number, and its process on this machine."""
    answer = json.loads(site.cards.run("inspect", site.container_name(person)))[0]
    uuid = answer["HostConfig"]["DeviceRequests"][0]["DeviceIDs"][0]
    return CARDS.index(uuid), answer["State"]["Pid"]


def confirm_when_asked(site: CardSite, person: str) -> bool:
    """Say that all is saved, as a server does over the labs service, once it is asked to."""
    asked = rows(site, "select id from notices where user = ? and final_at is not null", person)
    for (notice,) in asked:
        rows(
            site,
            "insert or replace into confirmations (user, server, notice, at) values (?, '', ?, ?)",
            person, notice, datetime.now(UTC).isoformat(" ").removesuffix("+00:00"),
        )  # fmt: skip
    return bool(asked)


def test_an_idle_card_comes_back_and_a_working_or_kept_one_does_not(
    site: CardSite, nvml: FakeNvml
) -> None:
    for person in ("works", "idles", "keeps"):
        site.start_server(person, image="tiny", flavour="whole")
    began = time.monotonic()
    card, pid = card_and_process(site, "works")
    nvml.cards[card].processes = [FakeProcess(pid, memory_mib=900, sm=70)]
    nvml.tell()
    wait_until(lambda: notices(site, "idles"), seconds=LIMIT, what="a warning")
    assert notices(site, "idles")[0][0] == "idle"
    time.sleep(max(0, began + LIMIT / 2 - time.monotonic()))
    rows(
        site,
        "insert into keeps (user, server, at) values ('keeps', '', ?)",
        datetime.now(UTC).isoformat(" ").removesuffix("+00:00"),
    )
    wait_until(lambda: confirm_when_asked(site, "idles"), seconds=LIMIT + SLACK, what="the end")
    wait_until(lambda: why(site, "idles"), seconds=20, what="the card to be back")
    assert LIMIT - 10 <= time.monotonic() - began <= LIMIT + SLACK
    assert why(site, "idles") == "idle"
    assert not site.cards.run("container", "ls", "-q", "--filter", "name=idles")
    assert not notices(site, "works")
    assert [why(site, person) for person in ("works", "keeps")] == ["", ""]
    for person in ("works", "keeps"):
        site.stop_server(person)
    nvml.cards[card].processes = []
    nvml.tell()


def test_who_takes_more_than_their_part_is_told_and_the_neighbour_is_not(
    site: CardSite, nvml: FakeNvml
) -> None:
    for person in ("greedy", "modest"):
        site.start_server(person, image="tiny", flavour="half")
    card, greedy = card_and_process(site, "greedy")
    _, modest = card_and_process(site, "modest")
    used = [FakeProcess(greedy, memory_mib=30_000), FakeProcess(modest, memory_mib=20_000)]
    nvml.cards[card].processes = used
    nvml.tell()

    def told() -> list[str]:
        return [str(text) for kind, text in notices(site, "greedy") if kind == "share"]

    wait_until(told, seconds=20, what="a word about it")
    assert "takes 29.3 GiB of a GPU's memory; its part is 20.0 GiB" in told()[0]
    assert not [kind for kind, _ in notices(site, "modest") if kind == "share"]
    used[0].memory_mib = 10_000
    nvml.tell()
    wait_until(lambda: not told(), seconds=20, what="the word to be taken back")
    for person in ("greedy", "modest"):
        site.stop_server(person)


def test_one_process_of_a_container_is_ended_and_the_rest_goes_on() -> None:
    image = subprocess.run(
        ["docker", "image", "ls", "-q", "machinelabs/base"],
        capture_output=True, text=True, check=True,
    ).stdout.split()[0]  # fmt: skip
    script = "sleep 600 & sleep 601 & wait"
    command = ["docker", "run", "-d", "--init", "--rm", image, "/bin/sh", "-c", script]
    container = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.strip()  # fmt: skip
    try:
        engine = Engine(socket="unix:///var/run/docker.sock", parallel_calls=2)
        wait_until(lambda: "601" in inside(container).values(), seconds=10, what="the processes")
        pid = next(pid for pid, words in inside(container).items() if words == "600")
        asyncio.run(engine.end_process(container, int(pid)))
        wait_until(lambda: pid not in inside(container), seconds=10, what="its end")
        assert "601" in inside(container).values()
        asyncio.run(engine.end_process(container, int(pid)))
    finally:
        subprocess.run(["docker", "rm", "-f", container], capture_output=True, check=True)


def test_an_image_that_cannot_end_a_process_is_told_of(site: CardSite) -> None:
    site.start_server("bare", image="tiny", flavour="cpu")
    engine = Engine(socket=site.cards.address, parallel_calls=2)
    with pytest.raises(EngineFailed):
        asyncio.run(engine.end_process(site.container_name("bare"), 7))
    site.stop_server("bare")


def inside(container: str) -> dict[str, str]:
    """The `sleep`s of a container: how long, by their numbers in there."""
    look = 'for f in /proc/[0-9]*/cmdline; do echo "$f $(tr "\\0" " " < $f)"; done'
    said = subprocess.run(
        ["docker", "exec", container, "/bin/sh", "-c", look],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    found = {}
    for line in said.splitlines():
        path, *words = line.split()
        if words[:1] == ["sleep"]:
            found[path.split("/")[2]] = words[1]
    return found
