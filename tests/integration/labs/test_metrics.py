"""Figures for Prometheus, read by Prometheus's own parser."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.card_rows import put_cards, remove_cards
from tests.support.fake_nvml import FakeCard, FakeNvml, build
from tests.support.labs_service import LabsServer, labs_server
from tests.support.sampler import running_sampler

from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.model import Holder
from machinelabs_hub.labs.models.metrics import Family, exposition
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.plans.model import Session, Use
from machinelabs_hub.plans.usage import UsageTable

ADA = Person("metrics-ada", "Ada")
ROOT = Person("metrics-root", "Root", admin=True)

Read = dict[tuple[str, str], float]


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("metrics") / "data") as labs:
        labs.seen_as(ADA, ROOT)
        yield labs


def ask(labs: LabsServer, who: str) -> httpx.Response:
    return httpx.get(f"{labs.url}/api/v1/metrics", headers={"X-As": who})


def read(labs: LabsServer) -> Read:
    """Return the figures by name and the value of their one label."""
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(ask(labs, ROOT.name).text)
        for sample in family.samples
    }


def test_an_admin_reads_cards_claims_the_line_and_charged_seconds(labs: LabsServer) -> None:
    now = datetime.now(UTC)
    put_cards(labs.tools.sessions, now - timedelta(minutes=2))
    session = Session("metrics-1", "holder-1", "", "gpu-quarter", Fraction(1, 4))
    spent = session.charge(3600)
    use = Use(session, f"{now:%Y-%m}", now - timedelta(hours=1), now, spent)
    UsageTable(sessions=labs.tools.sessions).save([use])
    found = read(labs)
    assert found["machinelabs_gpu_cards", "ok"] == 2
    assert found["machinelabs_gpu_cards", "failed"] == 1
    assert found["machinelabs_gpu_cards", "drained"] == 0
    assert found["machinelabs_gpu_claims", "gpu-quarter"] == 1
    assert found["machinelabs_gpu_waiting", "gpu-small"] == 3
    assert 120 <= found["machinelabs_gpu_longest_wait_seconds", ""] < 180
    assert found["machinelabs_charged_seconds_total", "gpu"] == 900
    assert found["machinelabs_gpu_claims_ended_total", "idle"] == 0


def test_a_site_without_cards_has_figures_too(labs: LabsServer) -> None:
    remove_cards(labs.tools.sessions)
    found = read(labs)
    assert found["machinelabs_gpu_cards", "ok"] == 0
    assert found["machinelabs_gpu_longest_wait_seconds", ""] == 0


def test_waits_are_a_histogram_that_goes_on_after_a_restart(tmp_path: Path) -> None:
    name, flavour = "machinelabs_gpu_wait_seconds", (("flavour", "gpu-small"),)
    now = datetime.now(UTC)

    def grant(labs: LabsServer, waited: int) -> None:
        ledger = Ledger(labs.tools.sessions)
        since = now - timedelta(seconds=waited)
        claim = ledger.grant(Holder("ada"), "gpu-small", ("GPU-w",), 1, now, since=since)
        ledger.end(claim.id, "idle", now)

    def histogram(labs: LabsServer) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        families = text_string_to_metric_families(ask(labs, ROOT.name).text)
        (found,) = [one for one in families if one.name == name]
        assert found.type == "histogram"
        return {
            (one.name.removeprefix(name), tuple(one.labels.items())): one.value
            for one in found.samples
        }

    data = tmp_path / "data"
    with labs_server(data) as labs:
        labs.seen_as(ROOT)
        assert histogram(labs) == {}
        grant(labs, 45)
        assert histogram(labs)["_sum", flavour] == 45
    with labs_server(data) as labs:
        labs.seen_as(ROOT)
        grant(labs, 0)
        found = histogram(labs)
        assert found["_count", flavour] == 2
        assert found["_sum", flavour] == 45
        bounds = {le: found["_bucket", (*flavour, ("le", le))] for le in ("1", "30", "60", "+Inf")}
        assert bounds == {"1": 1, "30": 1, "60": 2, "+Inf": 2}
        assert read(labs)["machinelabs_gpu_claims_ended_total", "idle"] == 2


def test_what_the_sampler_measures_stands_beside_it(tmp_path: Path) -> None:
    machine = FakeNvml(library=build(tmp_path), state=tmp_path / "nvml.state")
    card = FakeCard("GPU-m", name="A100", total_mib=40960, used_mib=1024, sm=75)
    machine.cards = [replace(card, temperature=61, power=220)]
    machine.tell()
    with labs_server(tmp_path / "site" / "data") as labs:
        labs.seen_as(ROOT)
        up = ("machinelabs_gpu_sampler_up", "")
        assert up not in read(labs), "a site without cards has no sampler, and that is no fault"
        put_cards(labs.tools.sessions, datetime.now(UTC))
        assert read(labs)[up] == 0
        folder = tmp_path / "site"
        site = {"data": "data", "site": {"port": labs.settings.site.port}}
        (folder / "settings.yaml").write_text(json.dumps(site))
        with running_sampler(folder, machine.environment):
            found = read(labs)
        assert found[up] == 1
        expected = {"use_ratio": 0.75, "memory_bytes": 40 * 2**30, "memory_used_bytes": 2**30}
        expected |= {"temperature_celsius": 61, "power_watts": 220}
        for figure, value in expected.items():
            assert found[f"machinelabs_gpu_{figure}", "GPU-mA100"] == value


def test_figures_are_for_admins(labs: LabsServer) -> None:
    assert ask(labs, ADA.name).status_code == 403
    assert ask(labs, "").status_code == 401
    answer = ask(labs, ROOT.name)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_any_label_is_read_as_it_was_written() -> None:
    odd = 'a"b\\c\nd'
    text = exposition([Family("x", "gauge", "Words.", {(("name", odd),): 1.5})])
    (family,) = text_string_to_metric_families(text)
    assert [(one.labels, one.value) for one in family.samples] == [({"name": odd}, 1.5)]
