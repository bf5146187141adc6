"""The API's own description, taken at its word by schemathesis."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from tests.support.site import Site

pytestmark = pytest.mark.engine

EXAMPLES = 15


def test_every_answer_is_as_described(site: Site) -> None:
    token = site.token("api-fuzz")
    checks.load_all_checks()
    schema = schemathesis.openapi.from_url(
        f"{site.addresses.labs_local}/services/labs/api/openapi.json"
    )
    asked = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        if not operation.path.startswith("/services/labs/api/v1/"):
            continue
        asked.add(operation.label)

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers(case: schemathesis.Case) -> None:
            answer = case.call(headers={"Authorization": f"Bearer {token}"}, timeout=30)
            assert answer.status_code < 500, answer.text
            case.validate_response(
                answer,
                checks=[
                    checks.CHECKS.get_one("status_code_conformance"),
                    checks.CHECKS.get_one("content_type_conformance"),
                    checks.CHECKS.get_one("response_schema_conformance"),
                ],
            )

        answers()
    assert len(asked) >= 17
