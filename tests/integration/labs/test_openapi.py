"""The API's own description, taken at its word by schemathesis: signed in, and as a stranger."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from tests.integration.labs.test_habits import api, publish
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


def test_the_description_is_openapi_3_1(site: Site) -> None:
    said = httpx.get(f"{site.addresses.labs_local}/services/labs/api/openapi.json").json()
    assert said["openapi"].startswith("3.1")


def test_every_answer_is_as_described(site: Site) -> None:
    asked = ask_all(site, site.token("api-fuzz"), EXAMPLES)
    assert len(asked) >= 30


def test_a_stranger_gets_no_answer_that_is_not_described(site: Site) -> None:
    ask_all(site, "", EXAMPLES)


@pytest.mark.proof
@pytest.mark.skipif("MACHINELABS_PROOF" not in os.environ, reason="make proof")
def test_every_answer_is_as_described_many_times(tmp_path: Path) -> None:
    # As strangers this many requests from one address would be turned away.
    limits = {"requests_per_minute": 1_000_000, "publishes_per_hour": 1_000_000}
    with running(tmp_path, limits=limits) as site:
        ask_all(site, site.token("api-fuzz"), PROOF)
        ask_all(site, "", PROOF)


def ask_all(site: Site, token: str, examples: int) -> set[str]:
    """Ask every operation so many times, and check each answer; return the operations."""
    checks.load_all_checks()
    chosen = [checks.CHECKS.get_one(name) for name in CHECKS]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    schema: Any = schemathesis.openapi.from_url(
        f"{site.addresses.labs_local}/services/labs/api/openapi.json"
    )
    if token:
        with api(site, "api-fuzz") as client:
            # Some of what is asked about is there.
            publish(client, "Digits")
    asked = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        if not operation.path.startswith(PREFIX):
            continue
        asked.add(operation.label)

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            answer = case.call(headers=headers, timeout=30)
            case.validate_response(answer, checks=chosen)

        answers()
    return asked
