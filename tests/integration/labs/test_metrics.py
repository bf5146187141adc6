"""Figures for Prometheus, read by Prometheus's own parser."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.card_rows import put_cards, remove_cards
from tests.support.labs_service import LabsServer, labs_server

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
