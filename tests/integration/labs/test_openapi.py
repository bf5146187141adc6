"""The API's own description, taken at its word by schemathesis: signed in, and as a stranger."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from tests.support.api_world import ASKER, DATASETS, LIMITS, RUNS, ApiWorld, make_world
from tests.support.site import Site, running

pytestmark = pytest.mark.engine

PREFIX = "/services/labs/api/v1/"
EXAMPLES = 15
PROOF = 300
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


# What only an admin or a program with a secret of its own gets.
NEVER_DONE = {
    "POST handshakes/token",
    "DELETE people/{name}",
    "PUT labs/{owner}/{name}/featured",
    "DELETE labs/{owner}/{name}/featured",
    "GET hour-grants",
    "POST hour-grants",
    "GET usage.csv",
    "GET gpus",
    "GET gpus/line",
    "GET metrics",
    "PUT gpus/{uuid}/drain",
    "DELETE gpus/{uuid}/drain",
    "POST gpus/{uuid}/return",
    "POST reservations",
    "DELETE reservations/{number}",
    # What only a run that began has.
    "GET labs/{owner}/{name}/runs/{number}/outputs/{path}",
    "GET labs/{owner}/{name}/runs/{number}/notebook",
    "POST labs/{owner}/{name}/runs/{number}/publish",
    "POST labs/{owner}/{name}/runs/{number}/look",
    "POST datasets/{owner}/{name}/versions",
    # Nobody is told anything here.
    "POST me/notices/{notice}/confirm",
}

Asked = dict[str, Counter[int]]
"""Operation -> how often it was answered with which status."""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that does not tire of being asked."""
    folder, fast = tmp_path_factory.mktemp("wide"), {"durable": False}
    with running(
        folder, limits=LIMITS, database=fast, runs=RUNS, datasets=DATASETS
    ) as running_site:
        yield running_site


def test_the_description_is_openapi_3_1(wide: Site) -> None:
    said = httpx.get(f"{wide.addresses.labs_local}/services/labs/api/openapi.json").json()
    assert said["openapi"].startswith("3.1")


def test_every_answer_is_as_described(wide: Site) -> None:
    check_well_asked(ask_all(wide, wide.token(ASKER), EXAMPLES))


def test_a_stranger_gets_no_answer_that_is_not_described(wide: Site) -> None:
    ask_all(wide, "", EXAMPLES)


@pytest.mark.proof
@pytest.mark.skipif("MACHINELABS_PROOF" not in os.environ, reason="make proof")
def test_every_answer_is_as_described_many_times(wide: Site) -> None:
    for token in (wide.token(ASKER), ""):
        asked = ask_all(wide, token, PROOF)
        for operation, answers in asked.items():
            print(operation, dict(answers))


def check_well_asked(asked: Asked) -> None:
    """Nothing is shown of an operation that answered all requests with a refusal."""
    done = {operation for operation, answers in asked.items() if min(answers) < 300}
    # What only the container of a run gets, with a token that nobody else has.
    of_containers = {operation for operation in asked if " runner/" in operation}
    assert asked.keys() - done == NEVER_DONE | of_containers


def ask_all(site: Site, token: str, examples: int) -> Asked:
    """Ask every operation so many times, and check each answer."""
    checks.load_all_checks()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    schema: Any = schemathesis.openapi.from_url(
        f"{site.addresses.labs_local}/services/labs/api/openapi.json"
    )
    asked: Asked = {}
    world, is_whole = make_world(site), True
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.startswith(PREFIX):
            if not is_whole:
                world = make_world(site)
            # What changes things may move or delete what the next one asks for.
            is_whole = operation.method == "get"
            label = operation.label.replace(PREFIX, "")
            asked[label] = ask(operation, world, headers, examples)
    return asked


def ask(operation: Any, world: ApiWorld, headers: dict[str, str], examples: int) -> Counter[int]:
    """Ask one operation; return how often it was answered with which status."""
    chosen = [checks.CHECKS.get_one(name) for name in CHECKS]
    seen: Counter[int] = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), dice=st.randoms())
    def answers(case: Any, dice: random.Random) -> None:
        world.lead(case, dice)
        answer = case.call(headers=headers, timeout=30)
        seen[answer.status_code] += 1
        case.validate_response(answer, checks=chosen)

    answers()
    return seen
