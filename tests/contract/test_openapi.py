"""The API's description is a valid one, and says what every route is for and how it refuses."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from tests.contract.files import ROOT

from machinelabs_hub.labs.guard import API

DESCRIPTION: dict[str, Any] = json.loads((ROOT / "docs/reference/openapi.json").read_text())


def routes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DESCRIPTION["paths"].items():
        for method, route in methods.items():
            yield path, method, route


def test_every_route_can_be_read_by_a_program_that_knows_only_openapi() -> None:
    operations = list(schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations())
    assert [found.err() for found in operations if not hasattr(found, "ok")] == []
    assert len(operations) == len(list(routes()))


@pytest.mark.parametrize(("path", "method", "route"), list(routes()))
def test_a_route_says_what_it_is_for(path: str, method: str, route: dict[str, Any]) -> None:
    assert route["description"].strip().endswith(".") or "`" in route["description"], method
    assert route["tags"]
    assert path.startswith((f"{API}/v1/", "/services/labs/health"))
    for name in re.findall(r"\{(\w+)\}", path):
        assert name in {parameter["name"] for parameter in route["parameters"]}
