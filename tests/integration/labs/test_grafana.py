"""The dashboard for Grafana: Grafana's own types, Prometheus' own parser, and a real Prometheus."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.support.card_rows import put_cards
from tests.support.fake_nvml import FakeCard, FakeNvml, build
from tests.support.grafana_types import faults
from tests.support.labs_service import LabsServer, labs_server
from tests.support.prometheus import Prometheus, prometheus, promtool
from tests.support.sampler import running_sampler
from tests.support.waiting import wait_until

from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.model import Holder
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.plans.model import Session, Use
from machinelabs_hub.plans.usage import UsageTable

ROOT = Person("grafana-root", "Root", admin=True)
REPOSITORY = Path(__file__).resolve().parents[3]
FILE = REPOSITORY / "config" / "grafana" / "gpus.json"
MANUAL = REPOSITORY / "docs" / "how-to" / "gpus.md"
BOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = [one for one in BOARD["panels"] if one["type"] != "row"]


def written(query: str) -> str:
    """Return a query as Grafana sends it when all sites are chosen."""
    return query.replace("$__rate_interval", "1m").replace("$job", ".+")


QUERIES = [
    (f"{panel['title']} {target['refId']}", written(target["expr"]))
    for panel in PANELS
    for target in panel["targets"]
]


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    """A site with cards, holders, a line, and what ended, was waited for and was charged."""
    folder = tmp_path_factory.mktemp("grafana")
    machine = FakeNvml(library=build(folder), state=folder / "nvml.state")
    machine.cards = [FakeCard("GPU-a", sm=75, used_mib=1024)]
    machine.tell()
    now = datetime.now(UTC)
    with labs_server(folder / "data") as labs:
        labs.seen_as(ROOT)
        sessions = labs.tools.sessions
        put_cards(sessions, now)
        ledger = Ledger(sessions)
        since = now - timedelta(minutes=3)
        waited = ledger.grant(Holder("ada"), "gpu-small", ("GPU-w",), 1, now, since=since)
        ledger.end(waited.id, "idle", now)
        session = Session("grafana-1", "ada", "", "gpu-quarter", Fraction(1, 4))
        use = Use(session, f"{now:%Y-%m}", now, now, session.charge(60))
        UsageTable(sessions=sessions).save([use])
        port = {"port": labs.settings.site.port}
        (folder / "settings.yaml").write_text(json.dumps({"data": "data", "site": port}))
        with running_sampler(folder, machine.environment):
            yield labs


@pytest.fixture(scope="module")
def read(labs: LabsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that reads that site as the manual says."""
    folder = tmp_path_factory.mktemp("prometheus")
    (block,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", MANUAL.read_text(), re.DOTALL)
    token = folder / "token"
    token.write_text(ROOT.name)
    scrape = yaml.safe_load(
        block.replace("/etc/prometheus/machinelabs_token", str(token)).replace(
            "127.0.0.1:8003", f"127.0.0.1:{labs.settings.site.port}"
        )
    )
    with prometheus(folder, scrape) as running:
        twice = "min(count_over_time(machinelabs_gpu_cards[1m])) > 1"
        wait_until(lambda: bool(running.ask(twice)), seconds=20, what="the figures")
        yield running


def page(labs: LabsServer) -> str:
    return httpx.get(f"{labs.url}/api/v1/metrics", headers={"X-As": ROOT.name}).text


def test_the_dashboard_is_as_grafanas_types_have_it() -> None:
    assert faults(BOARD) == []


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *names, last = path.split(".")

    def change(panel: dict[str, Any]) -> None:
        for name in names:
            panel = panel[name]
        panel[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("fieldConfig.defaults.unitt", "s"),
        _set("options.colorMode", "vlue"),
        _set("gridPos.x", "far"),
        _set("targets", [{"refId": "A", "expression": "up", "datasource": {"type": "prometheus"}}]),
    ],
)
def test_what_grafana_does_not_know_is_noticed(change: Callable[[dict[str, Any]], None]) -> None:
    board = json.loads(FILE.read_text(encoding="utf-8"))
    change(board["panels"][0])
    assert len(faults(board)) == 1


def test_panels_have_names_and_places_of_their_own() -> None:
    numbers = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + across, place["y"] + down)
            for across in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_prometheus_parses_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"q{number}", "expr": query} for number, (_, query) in enumerate(QUERIES)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = promtool("check", "rules", file)
    assert checked.returncode == 0, checked.stdout
    assert f"{len(QUERIES)} rules found" in checked.stdout


def test_prometheus_finds_nothing_to_mend_in_the_page(labs: LabsServer) -> None:
    checked = promtool("check", "metrics", sent=page(labs))
    assert (checked.returncode, checked.stdout) == (0, "")


def test_every_family_of_the_queries_is_on_the_page_and_in_the_manual(labs: LabsServer) -> None:
    offered = {
        sample.name
        for family in text_string_to_metric_families(page(labs))
        for sample in family.samples
    }
    asked = {name for _, query in QUERIES for name in re.findall(r"machinelabs_\w+", query)}
    assert asked <= offered
    manual = MANUAL.read_text(encoding="utf-8")
    for family in text_string_to_metric_families(page(labs)):
        said = f"…{family.name.removeprefix('machinelabs_gpu')}"
        assert f"`{family.name}" in manual or f"`{said}" in manual, family.name


@pytest.mark.parametrize(("name", "query"), QUERIES, ids=[name for name, _ in QUERIES])
def test_a_panel_shows_what_the_site_has(read: Prometheus, name: str, query: str) -> None:
    assert read.ask(query), name


def test_the_sites_to_choose_from_are_the_jobs_of_prometheus(read: Prometheus) -> None:
    variable = next(one for one in BOARD["templating"]["list"] if one["name"] == "job")
    asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"])
    assert asked is not None
    family, label = asked.groups()
    found = {one[label] for one in read.series() if one["__name__"] == family}
    assert found == {"machinelabs"}
