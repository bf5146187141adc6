"""`GET /me/gpu` of the real labs service, beside a real sampler: one's own, and nobody else's."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.support.fake_nvml import FakeNvml, FakeProcess
from tests.support.labs_service import LabsServer, labs_server
from tests.support.sampler import running_sampler
from tests.support.spinner import spinner

from machinelabs_hub.db.tables.gpus import CardRow
from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.model import Claim, Holder
from machinelabs_hub.labs.models.person import Person

ADA = Person("gpu-ada", "Ada")
BOB = Person("gpu-bob", "Bob")
NOW = datetime.now(UTC)


@pytest.fixture
def labs(tmp_path: Path) -> Iterator[LabsServer]:
    with labs_server(tmp_path / "labs") as labs:
        labs.seen_as(ADA, BOB)
        with labs.tools.sessions() as db:
            for uuid in ("GPU-a", "GPU-b"):
                db.add(
                    CardRow(uuid=uuid, model="A100", memory_mib=40960, changed_at=NOW, seen_at=NOW)
                )
        yield labs


def claim(labs: LabsServer, holder: Holder, share: int, *uuids: str, container: str = "") -> Claim:
    """Let somebody hold devices since a minute ago, as the Hub notes it."""
    ledger = Ledger(labs.tools.sessions)
    made = ledger.grant(holder, "gpu-half", uuids, share, NOW - timedelta(minutes=1))
    ledger.bind(made.id, container)
    return made


def ask(labs: LabsServer, who: str, **params: Any) -> httpx.Response:
    return httpx.get(f"{labs.url}/api/v1/me/gpu", headers={"X-As": who}, params=params)


@pytest.mark.engine
def test_a_server_is_told_what_it_does_on_its_share_and_of_others_a_sum(
    labs: LabsServer, nvml: FakeNvml, tmp_path: Path
) -> None:
    port = labs.settings.site.port
    (labs.settings.data / "settings.yaml").write_text(yaml.safe_dump({"site": {"port": port}}))
    neighbour = subprocess.Popen(["sleep", "600"])
    try:
        with (
            spinner(tmp_path) as spun,
            running_sampler(labs.settings.data, nvml.environment) as sampler,
        ):
            claim(labs, Holder(ADA.name, "big"), 2, "GPU-a", container=spun.container)
            claim(labs, Holder(BOB.name), 2, "GPU-a")
            nvml.cards[0].processes = [
                FakeProcess(spun.pid, memory_mib=700, sm=55),
                FakeProcess(neighbour.pid, memory_mib=9000, sm=30),
            ]
            nvml.tell()
            sampler.next_sample()
            answer = ask(labs, ADA.name, server="big")
            body = answer.json()
            held = body["held"]
            assert (body["sentence"], held["share"], held["left_hours"]) == ("", 2, 20.0)
            (card,) = held["cards"]
            assert (card["model"], card["memory_mib"], card["part_mib"]) == ("A100", 40960, 20480)
            assert (card["sm_percent"], card["memory_used_mib"], card["others_mib"]) == (
                55, 700, 9000,
            )  # fmt: skip
            assert (held["points"][-1]["sm_percent"], held["points"][-1]["memory_mib"]) == (55, 700)
            assert datetime.fromisoformat(held["since"]) == NOW - timedelta(minutes=1)
            assert ask(labs, ADA.name, server="big", seconds=0).json()["held"]["points"] == []
            # Of a neighbour there is a sum and nothing else.
            assert BOB.name not in answer.text
    finally:
        neighbour.kill()
        neighbour.wait()


def test_nobody_is_told_of_another_persons_or_another_server(labs: LabsServer) -> None:
    claim(labs, Holder(ADA.name, "big"), 1, "GPU-a", container="c" * 64)
    none = {"held": None, "sentence": "This server has no GPU."}
    assert ask(labs, BOB.name, server="big").json() == none
    assert ask(labs, ADA.name).json() == none
    assert ask(labs, "", server="big").status_code == 401
    assert ask(labs, ADA.name, server="big").json()["held"]["cards"][0]["uuid"] == "GPU-a"


def test_without_the_sampler_it_says_what_is_held_and_that_its_use_is_not_seen(
    labs: LabsServer,
) -> None:
    claim(labs, Holder(ADA.name), 1, "GPU-a", "GPU-b", container="c" * 64)
    body = ask(labs, ADA.name).json()
    assert body["sentence"].startswith("The use of the site's GPUs cannot be seen now.")
    assert [
        (card["uuid"], card["sm_percent"], card["others_mib"]) for card in body["held"]["cards"]
    ] == [("GPU-a", None, None), ("GPU-b", None, None)]
    assert body["held"]["points"] == []


def test_what_ended_is_not_held(labs: LabsServer) -> None:
    made = claim(labs, Holder(ADA.name), 1, "GPU-a")
    assert "only starts" in ask(labs, ADA.name).json()["sentence"]
    Ledger(labs.tools.sessions).end(made.id, "stopped", NOW)
    assert ask(labs, ADA.name).json()["held"] is None


@pytest.mark.parametrize("seconds", ["-1", "1801", "x"])
def test_a_span_that_makes_no_sense_is_refused(labs: LabsServer, seconds: str) -> None:
    answer = ask(labs, ADA.name, seconds=seconds)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
